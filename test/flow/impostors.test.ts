import { afterAll, beforeAll, expect, test } from "vitest";
import { createLog } from "#shared/log.ts";
import { eventually } from "../support/eventually.ts";
import { newChannel, pairedChannel } from "../support/pairing.ts";
import { type OneProcess, startSystem } from "../support/system.ts";

let system: OneProcess;
const lines: string[] = [];

beforeAll(async () => {
  const log = createLog("warn", { write: (line: string) => void lines.push(line) });
  system = await startSystem({ timings: { backoff: { baseMs: 50, maxMs: 200 } }, log });
});

afterAll(() => system[Symbol.asyncDispose]());

test.each([
  { what: "root", name: "a certificate chain that another root signed" },
  { what: "leaf", name: "the certificate of another server" },
] as const)(
  "$name is refused before anything of the account is sent",
  async ({ what }) => {
    const phoneNumber = what === "root" ? "15550110801" : "15550110802";
    const { sandbox } = system;
    const channel = await pairedChannel(system, phoneNumber);
    const { logins } = sandbox.counts.snapshot();
    sandbox.faults.forge(what, true);
    sandbox.faults.drop(phoneNumber);
    const document = await channel.becomes("connecting", "server_untrusted");
    expect(document.lastDisconnect).toMatchObject({ reason: "server_untrusted", code: 495 });
    expect(sandbox.counts.snapshot().logins).toBe(logins);
    expect(lines.some((line) => line.includes("server_untrusted"))).toBe(true);
    sandbox.faults.forge(what, false);
    await channel.becomes("active");
  },
  60_000,
);

test("a contact's key bundle with a wrong signature gets no message", async () => {
  const channel = await pairedChannel(system, "15550110803");
  const contact = system.sandbox.account("15550110804");
  system.sandbox.faults.forge("pre-key", true);
  const send = () =>
    system.api().post(`/channels/${channel.channelId}/send`, { to: contact.phoneNumber, message: "Secret" });
  const { status, body } = await send();
  expect([status, body.error.code]).toEqual([422, "not_sent"]);
  expect(contact.inbox).toEqual([]);
  expect(system.sandbox.ledger.outgoing()).toEqual([]);
  system.sandbox.faults.forge("pre-key", false);
  expect((await send()).status).toBe(200);
  // The keys that come with a request to send again are no better.
  const { id } = await contact.waitForMessage();
  system.sandbox.faults.forge("pre-key", true);
  contact.forgetSessions();
  await contact.askRetry(id);
  await contact.askRetry(id);
  await eventually(() => lines.some((line) => line.includes("failed to inject session from retry receipt")));
  system.sandbox.faults.forge("pre-key", false);
}, 120_000);

test("a phone whose signature is wrong links nothing", async () => {
  const channel = await newChannel(system, "15550110805");
  system.sandbox.faults.forge("account", true);
  await system.api().post(`/channels/${channel.channelId}/connect`);
  const { pairing } = await channel.becomes("qr_ready");
  await expect(channel.phone.scan(pairing?.text ?? "")).rejects.toThrow();
  await channel.becomes("error", "pairing_failed");
  expect(channel.phone.devices()).toEqual([]);
  system.sandbox.faults.forge("account", false);
}, 120_000);
