import { expect, test } from "vitest";
import { eventually } from "../support/eventually.ts";
import { startSystem } from "../support/system.ts";

test("a channel pairs by QR, sends and receives", async () => {
  await using system = await startSystem();
  const api = system.api();
  const created = await api.post("/channels", { name: "Shop" });
  expect(created.status).toBe(201);
  const { channelId } = created.body.payload;
  const socket = system.socket();
  const events: Array<{ name: string; data: Record<string, unknown> }> = [];
  socket.onAny((name: string, data: Record<string, unknown>) => events.push({ name, data }));
  await socket.emitWithAck("subscribe_channel", { channelId });
  const connecting = await api.post(`/channels/${channelId}/connect`);
  expect(connecting.body).toMatchObject({ ok: true, status: "connecting" });
  await eventually(() => events.find(({ name }) => name === "qr_code"));
  const { pairing } = (await system.collections.channels.findOne({ _id: channelId })) ?? {};
  await system.sandbox.account("15550001").scan(pairing?.text ?? "");
  await eventually(() =>
    events.find(({ name, data }) => name === "connection_update" && data.status === "active"),
  );

  const sent = await api.post(`/channels/${channelId}/send`, {
    to: "15550002",
    message: "Hello",
    type: "text",
  });
  expect(sent.body).toMatchObject({
    ok: true,
    message: "Message sent",
    payload: { to: "15550002@s.whatsapp.net", type: "text", status: "sent" },
  });
  const received = await system.sandbox.account("15550002").waitForMessage();
  expect(received).toMatchObject({ id: sent.body.payload.messageId, text: "Hello", copies: 1 });
  await eventually(() =>
    events.find(({ name, data }) => name === "message_status_update" && data.status === "delivered"),
  );

  await system.sandbox.account("15550002").sendText("15550001", "Hi back");
  const incoming = await eventually(() => events.find(({ name }) => name === "incoming_message"));
  expect(incoming.data).toMatchObject({
    from: "15550002@s.whatsapp.net",
    message: "Hi back",
    type: "incoming",
  });
});
