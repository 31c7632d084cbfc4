import { afterEach, expect, test } from "vitest";
import { createLog } from "#shared/log.ts";
import { cleanCounts } from "../support/clean-counts.ts";
import { eventually } from "../support/eventually.ts";
import { pairedChannel } from "../support/pairing.ts";
import { type OneProcess, type OneProcessOptions, startSystem } from "../support/system.ts";

const contactNumber = "15550100302";
let system: OneProcess | undefined;

afterEach(async () => {
  await system?.[Symbol.asyncDispose]();
  expect(system?.sandbox.counts.snapshot()).toMatchObject(cleanCounts);
  system = undefined;
});

/** Links a channel. `stalls` lists the stages that were found to stall, in order. */
async function linked(options: OneProcessOptions) {
  const stalls: string[] = [];
  const write = (line: string) => {
    const { event, stage } = JSON.parse(line);
    if (event === "deaf") stalls.push(stage);
  };
  const backoff = { baseMs: 50, maxMs: 200 };
  // Longer than a stall: the first reconnect outlasts it, so that the reason of the loss can be read meanwhile.
  const connectWatchdogMs = 20_000;
  const started = await startSystem({
    ...options,
    // Rare pings: the answers to Baileys' own pings would make probes unnecessary.
    timings: { backoff, connectWatchdogMs, keepAliveMs: 600_000, ...options.timings },
    log: createLog("warn", { write }),
  });
  system = started;
  const { sandbox } = started;
  const channel = await pairedChannel(started, "15550100301");
  const logins = sandbox.counts.logins;
  const queries = () => sandbox.counts.stanzas.iq ?? 0;
  return { system: started, sandbox, channel, stalls, queries, logins };
}

test("a quiet connection that answers every probe stays open", async () => {
  const { sandbox, channel, stalls, queries, logins } = await linked({
    timings: { probeQuietMs: 50, probeMs: 20_000, ackMs: 100, stableMs: 100 },
  });
  const before = queries();
  await eventually(() => queries() >= before + 50);
  expect([stalls, sandbox.counts.logins]).toEqual([[], logins]);
  expect(await channel.document()).toMatchObject({ status: "active", lastDisconnect: expect.anything() });
});

test("a connection whose pings are answered stays open", async () => {
  const { sandbox, stalls, queries, logins } = await linked({
    timings: { keepAliveMs: 100, probeQuietMs: 20_000, probeMs: 10_000 },
  });
  await eventually(async () => {
    const { stanzas, sent } = sandbox.counts.snapshot();
    return (stanzas.iq ?? 0) > 30 && (sent.iq ?? 0) > 30;
  });
  expect([stalls, sandbox.counts.logins, queries()]).toEqual([[], logins, expect.any(Number)]);
});

test("a frozen network is detected, and the channel reconnects once it works again", async () => {
  const { system, channel, stalls } = await linked({
    wired: "whatsapp",
    timings: { probeQuietMs: 1_000, probeMs: 1_500 },
  });
  system.wire.freeze();
  const { lastDisconnect } = await channel.becomes("connecting", "connection_lost");
  expect(lastDisconnect?.reason).toBe("connection_lost");
  expect(stalls).toEqual(["wire"]);
  await system.wire.mend();
  await channel.becomes("active");
});

test("a silent WhatsApp is detected, and a message sent meanwhile is published after the reconnect", async () => {
  const { sandbox, system, channel, stalls } = await linked({
    timings: { probeQuietMs: 1_000, probeMs: 1_500 },
  });
  sandbox.faults.silence(channel.phone.phoneNumber, true);
  await sandbox.account(contactNumber).sendText(channel.phone.phoneNumber, "Anybody there?");
  await channel.becomes("connecting", "connection_lost");
  expect(stalls[0]).toBe("wire");
  sandbox.faults.clear();
  await channel.becomes("active");
  const { channelId } = channel;
  await eventually(() => system.collections.events.findOne({ channelId, type: "incoming_message" }));
});

test("a missing acknowledgement triggers a probe at once and does not close the connection", async () => {
  const { sandbox, system, channel, stalls, queries, logins } = await linked({
    timings: { ackMs: 300, probeQuietMs: 600_000, probeMs: 20_000 },
  });
  const send = (message: string) =>
    system.api().post(`/channels/${channel.channelId}/send`, { to: contactNumber, message });
  // Afterwards a send makes no query of its own.
  const first = async () => (await send("This one knows the contact's devices")).body.payload.status;
  await eventually(async () => (await first()) === "sent");
  sandbox.faults.withholdAcks(channel.phone.phoneNumber, true);
  sandbox.faults.receipts(channel.phone.phoneNumber, "never");
  const before = queries();
  expect((await send("This one is not acknowledged")).body.payload.status).toBe("unknown");
  await eventually(() => queries() > before);
  expect([stalls, sandbox.counts.logins]).toEqual([[], logins]);
});

test("a missing acknowledgement reveals a dead connection long before its silence would", async () => {
  const { system, channel, stalls } = await linked({
    wired: "whatsapp",
    timings: { ackMs: 300, probeQuietMs: 600_000, probeMs: 1_500 },
  });
  const send = (message: string) =>
    system.api().post(`/channels/${channel.channelId}/send`, { to: contactNumber, message });
  // On a busy machine its acknowledgement takes longer than 300 ms; the next one would wait for it.
  const first = async () => (await send("This one knows the contact's devices")).body.payload.status;
  await eventually(async () => (await first()) === "sent");
  system.wire.freeze();
  const lost = send("This one is lost");
  await channel.becomes("connecting", "connection_lost");
  expect((await lost).status).toBe(202);
  expect(stalls).toEqual(["wire"]);
  await system.wire.mend();
  await channel.becomes("active");
});

test("a connection that waits for a QR scan is not mistaken for a dead one", async () => {
  const started = await startSystem({
    timings: { connectWatchdogMs: 2_000, probeQuietMs: 100, probeMs: 100, keepAliveMs: 200 },
  });
  system = started;
  const { body } = await started.api().post("/channels", { name: "Waits" });
  const { channelId } = body.payload;
  await started.api().post(`/channels/${channelId}/connect`);
  const read = () => started.collections.channels.findOne({ _id: channelId });
  const first = await eventually(async () => (await read())?.pairing?.text);
  const pings = () => started.sandbox.counts.stanzas.iq ?? 0;
  // For longer than a connection may take, even on a busy machine.
  await eventually(() => pings() >= 15);
  expect(await read()).toMatchObject({ status: "qr_ready", pairing: { text: first }, lastDisconnect: null });
});
