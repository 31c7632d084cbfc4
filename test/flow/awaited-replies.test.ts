import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { servePicture } from "#infra/demo/picture.ts";
import { eventually } from "../support/eventually.ts";
import { pairedChannel } from "../support/pairing.ts";
import { startSystem } from "../support/system.ts";

const root = new URL("../../", import.meta.url);
const text = await readFile(new URL("docs/internals/replies.md", root), "utf8");
const rows = text.split("\n").filter((line) => line.startsWith("| ") && !line.startsWith("| ---"));
const queries = rows.flatMap((row) => /^\| `([\w:]+ (?:get|set)[^`]*)` \|/.exec(row)?.[1] ?? []);

test("docs/internals/replies.md lists every query that a connector makes, and nothing else", {
  timeout: 120_000,
}, async () => {
  await using picture = await servePicture();
  await using system = await startSystem({
    timings: { rotationLookMs: 50, signedPreKeyMs: 300, signedPreKeyRetryMs: 100, probeQuietMs: 300 },
    // A new device then offers pre-keys.
    sandbox: { firstPreKeyCount: 0 },
    config: { mediaAllowHosts: [picture.host] },
  });
  const api = system.api();
  const contact = system.sandbox.account("15550100332");
  const channel = await pairedChannel(system, "15550100331");
  const path = `/channels/${channel.channelId}`;
  const media = { to: contact.phoneNumber, mediaType: "image", mediaUrl: picture.url };
  expect((await api.post(`${path}/send`, { to: contact.phoneNumber, message: "Hello" })).status).toBe(200);
  expect((await api.post(`${path}/send-media`, media)).status).toBe(200);
  const group = contact.createGroup("Friends", [channel.phone.phoneNumber]);
  await contact.sendText(group.id, "To the group");
  await contact.sendText(channel.phone.phoneNumber, "Hello");
  const [first] = contact.inbox;
  await contact.askRetry(first?.id ?? "");
  const { channelId } = (await api.post("/channels", { name: "By code" })).body.payload;
  const code = await api.post(`/channels/${channelId}/pairing-code`, { phoneNumber: "15550100333" });
  expect(code.status).toBe(200);
  const seen = () => Object.keys(system.sandbox.counts.queries).toSorted();
  const others = queries.filter((query) => !query.endsWith("remove-companion-device"));
  await eventually(() => others.every((query) => seen().includes(query)));
  expect((await api.post(`${path}/logout`)).status).toBe(200);
  expect(seen()).toEqual(queries.toSorted());
});

test("each of its rows names tests that exist", () => {
  for (const row of rows.slice(1).filter((one) => one.startsWith("| `") || one.includes("test/"))) {
    const tests = [...row.matchAll(/`(test\/[^`]+)`/g)].map(([, path = ""]) => path);
    expect(tests.length, row).toBeGreaterThan(0);
    expect(tests.filter((path) => !existsSync(new URL(path, root)))).toEqual([]);
  }
});
