import { expect, test } from "vitest";
import { eventually } from "../support/eventually.ts";
import { newChannel, pairedChannel } from "../support/pairing.ts";
import { startSystem } from "../support/system.ts";

test("a restart reconnects connected channels without a QR, and leaves disconnected and logged-out ones alone", async () => {
  await using system = await startSystem();
  const connected = await pairedChannel(system, "15550100041");
  const disconnected = await pairedChannel(system, "15550100042");
  await system.api().post(`/channels/${disconnected.channelId}/disconnect`);
  const loggedOut = await pairedChannel(system, "15550100043");
  await loggedOut.phone.unlink();
  await loggedOut.becomes("logged_out", "unlinked_by_phone");
  await system.stop();
  expect((await connected.document()).status).toBe("connecting");

  await system.sandbox.account("15550100049").sendText("15550100041", "While you were away");
  await system.start();
  await connected.becomes("active");
  const events = () =>
    system.collections.events.find({ channelId: connected.channelId, type: "incoming_message" }).toArray();
  await eventually(async () => (await events()).length === 1);
  expect((await events())[0]?.data.message).toBe("While you were away");
  expect((await disconnected.document()).status).toBe("inactive");
  expect((await loggedOut.document()).status).toBe("logged_out");
  expect(
    system.sandbox
      .account("15550100042")
      .devices()
      .every(({ isConnected }) => !isConnected),
  ).toBe(true);
  expect(system.sandbox.counts.pairings).toBe(3);
});

test("a pairing that a stop interrupts leaves its channel inactive, with the reason interrupted", async () => {
  await using system = await startSystem();
  const channel = await newChannel(system, "15550100044");
  await system.api().post(`/channels/${channel.channelId}/connect`);
  await channel.becomes("qr_ready");
  await system.stop();
  expect(await channel.document()).toMatchObject({
    status: "inactive",
    reason: "interrupted",
    pairing: null,
    config: { qrCode: null },
  });
  await system.start();
  await system.api().post(`/channels/${channel.channelId}/connect`);
  const { pairing } = await channel.becomes("qr_ready");
  await channel.phone.scan(pairing?.text ?? "");
  await channel.becomes("active");
});

test("sends accepted while a channel is disconnected go out in order after it connects, except an expired one", async () => {
  await using system = await startSystem({ timings: { sweepMs: 300 } });
  const channel = await pairedChannel(system, "15550100045");
  const contact = system.sandbox.account("15550100046");
  await system.api().post(`/channels/${channel.channelId}/disconnect`);
  const send = (message: string) =>
    system.api().post(`/channels/${channel.channelId}/send`, { to: "15550100046", message });
  const old = await send("Your code is 1234");
  expect(old).toMatchObject({
    status: 202,
    body: { message: "Message queued", payload: { status: "queued" } },
  });
  await system.collections.commands.updateOne(
    { _id: old.body.payload.commandId },
    { $set: { expiresAt: new Date(Date.now() - 1_000) } },
  );
  for (const text of ["one", "two", "three"]) expect((await send(text)).status).toBe(202);
  await system.api().post(`/channels/${channel.channelId}/connect`);
  await contact.waitForMessage(({ text }) => text === "three");
  expect(contact.inbox.map(({ text }) => text)).toEqual(["one", "two", "three"]);
  const { state } = (await system.collections.commands.findOne({ _id: old.body.payload.commandId })) ?? {};
  expect(state).toBe("expired");
  const published = system.collections.events.find({
    channelId: channel.channelId,
    "data.messageId": old.body.payload.messageId,
  });
  expect((await published.toArray()).map(({ data }) => data)).toMatchObject([
    { status: "failed", error: { code: "expired" } },
  ]);
});

test("a logged-out channel refuses new sends and fails queued ones", async () => {
  await using system = await startSystem();
  const channel = await pairedChannel(system, "15550100047");
  const post = (action: string, body: object = {}) =>
    system.api().post(`/channels/${channel.channelId}/${action}`, body);
  const send = () => post("send", { to: "15550100048", message: "Hello" });
  expect(await post("disconnect")).toMatchObject({
    status: 200,
    body: { ok: true, message: "Channel disconnected", status: "inactive" },
  });
  const waiting = [await send(), await send()];
  expect(waiting.map(({ status, body }) => [status, body.payload.status])).toEqual([
    [202, "queued"],
    [202, "queued"],
  ]);
  expect(await post("logout")).toMatchObject({ status: 200, body: { ok: true, status: "logged_out" } });
  expect(channel.phone.devices()).toEqual([]);
  expect(await system.database.db.collection("whatsapp_auth_creds").countDocuments()).toBe(0);
  expect(await send()).toMatchObject({ status: 409, body: { error: { code: "channel_logged_out" } } });
  for (const { body } of waiting) {
    const { commandId: _id } = body.payload;
    const settled = await eventually(() => system.collections.commands.findOne({ _id, state: "failed" }));
    expect(settled.error?.code).toBe("channel_logged_out");
  }
  expect(system.sandbox.account("15550100048").inbox).toEqual([]);
});

test("a deleted channel answers 404 at once, its phone is unlinked, and only its fences and its command remain in the database", async () => {
  await using system = await startSystem();
  const channel = await pairedChannel(system, "15550100050");
  await system.api().post(`/channels/${channel.channelId}/send`, { to: "15550100051", message: "Hello" });
  const deleted = await system.api().call("DELETE", `/channels/${channel.channelId}`);
  expect(deleted.status).toBe(200);
  expect((await system.api().get(`/channels/${channel.channelId}`)).status).toBe(404);
  await eventually(async () => (await system.collections.channels.countDocuments()) === 0);
  expect(channel.phone.devices()).toEqual([]);
  for (const { name } of await system.database.db.listCollections().toArray()) {
    const remaining = await system.database.db
      .collection<{ _id: string; type?: string }>(name)
      .countDocuments({
        channelId: channel.channelId,
        _id: { $not: /\/fence$/ },
        type: { $ne: "channel.delete" },
      });
    expect(remaining, name).toBe(0);
  }
});
