import { expect, test } from "vitest";
import { WebSocket } from "ws";
import { createCounters } from "#infra/sandbox/ledger/counters.ts";
import { eventually } from "#test/support/eventually.ts";
import { ana, ben, useSandbox } from "../sandbox.fixture.ts";

const fixture = useSandbox();
const to = `${ben}@s.whatsapp.net`;

test("a snapshot of the counters does not change, a reset sets them to 0", () => {
  const counts = createCounters();
  counts.stanzas.iq = 2;
  counts.logins = 1;
  const before = counts.snapshot();
  counts.stanzas.iq = 3;
  counts.reset();
  expect(before).toMatchObject({ stanzas: { iq: 2 }, logins: 1 });
  expect(counts.snapshot()).toMatchObject({ stanzas: {}, logins: 0 });
});

test("a rolled-back ratchet is detected", async () => {
  const { sandbox } = fixture;
  const client = fixture.client();
  const contact = sandbox.account(ben);
  await client.link(sandbox.account(ana));
  await client.send(to, { text: "first" });
  await contact.waitForMessage();
  const address = `${contact.lid.split("@")[0]}_1.0`;
  const old = await client.auth.keys.get("session", [address]);
  await client.send(to, { text: "second" });
  await contact.waitForMessage(({ text }) => text === "second");
  expect(sandbox.counts.reusedRatchetCounters).toBe(0);
  await client.auth.keys.set({ session: old });
  await client.send(to, { text: "third" });
  await eventually(() => sandbox.counts.reusedRatchetCounters === 1);
  expect(sandbox.counts.decryptFailures).toBe(1);
});

test("a device identity with a wrong signature is detected", async () => {
  const { sandbox } = fixture;
  const client = fixture.client();
  await client.link(sandbox.account(ana));
  const { account } = client.auth.creds;
  if (account) account.deviceSignature = Buffer.alloc(64, 1);
  await client.send(to, { text: "who am I?" });
  await sandbox.account(ben).waitForMessage();
  expect(sandbox.counts.badDeviceIdentities).toBe(1);
});

test("an unknown stanza and an unknown query are counted, and the query is answered with an error", async () => {
  const { sandbox } = fixture;
  const client = fixture.client();
  await client.link(sandbox.account(ana));
  await client.socket.sendNode({ tag: "nonsense", attrs: {} });
  const asked = client.socket.query({
    tag: "iq",
    attrs: { type: "get", xmlns: "nonsense", to: "@s.whatsapp.net" },
  });
  await expect(asked).rejects.toThrow("feature-not-implemented");
  expect(sandbox.counts.unknownNodes).toBe(2);
});

test("a client that speaks another protocol is disconnected", async () => {
  const socket = new WebSocket(fixture.sandbox.websocketUrl);
  socket.on("open", () => socket.send(Buffer.from("hello, server")));
  await new Promise((resolve) => socket.on("close", resolve));
  expect(fixture.sandbox.counts.handlerErrors).toBe(0);
});
