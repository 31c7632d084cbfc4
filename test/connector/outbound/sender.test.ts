import { setTimeout as delay } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import type { CommandDocument } from "#shared/collections.ts";
import { eventually } from "#test/support/eventually.ts";
import { fileDatabase } from "../connector.fixture.ts";
import { type Answers, fakeSocket } from "./fake-socket.fixture.ts";
import { senderOn } from "./sender.fixture.ts";

const file = fileDatabase();
const past = new Date(Date.now() - 60_000);
const openSender = (answers?: Answers, ackMs?: number) => senderOn(file.all, answers, ackMs);
const idsOf = (commands: CommandDocument[]) => commands.map(({ messageId }) => messageId);

describe("on an open socket", () => {
  test("messages are relayed in order under their ids, and succeed when acknowledged", async () => {
    const fixture = await openSender();
    const commands = await fixture.insert(40);
    fixture.sender.ring();
    for (const command of commands) {
      expect(await fixture.settled(command)).toMatchObject({
        state: "succeeded",
        result: {
          messageId: command.messageId,
          to: "15550100001@s.whatsapp.net",
          type: "text",
          status: "sent",
        },
        relayStartedAt: expect.any(Date),
      });
      await fixture.expectPublished(command, "sent");
    }
    expect(fixture.socket.relayed).toEqual(idsOf(commands));
  });

  test("relays run one at a time, while waits for acknowledgements overlap", async () => {
    const gate = Promise.withResolvers<"sent">();
    const fixture = await openSender({ ack: () => gate.promise, relay: () => delay(1) });
    const commands = await fixture.insert(6);
    fixture.sender.ring();
    await eventually(() => fixture.socket.relayed.length === 6);
    gate.resolve("sent");
    await Promise.all(commands.map(fixture.settled));
    expect(fixture.socket.most).toEqual({ relays: 1, answers: 6 });
  });

  test("a refused send fails with WhatsApp's code and is not retried", async () => {
    const fixture = await openSender({ ack: async () => 479 });
    const [command] = (await fixture.insert(1)) as [CommandDocument];
    fixture.sender.ring();
    expect(await fixture.settled(command)).toMatchObject({
      state: "failed",
      error: {
        code: "whatsapp_rejected",
        details: { messageId: command.messageId, commandId: command._id, whatsappCode: 479 },
      },
    });
    await fixture.expectPublished(command, "failed");
    expect(fixture.socket.relayed).toHaveLength(1);
  });

  test("a send without an acknowledgement is `unknown` and not retried on that socket", async () => {
    const fixture = await openSender({ ack: async () => null }, 50);
    const [command] = (await fixture.insert(1)) as [CommandDocument];
    fixture.sender.ring();
    expect(await fixture.settled(command)).toMatchObject({ state: "unknown", result: { status: "unknown" } });
    await fixture.expectPublished(command, "unknown");
    expect(fixture.socket.relayed).toHaveLength(1);
  });

  test("a receipt makes a send succeed when its acknowledgement is lost", async () => {
    const ack = Promise.withResolvers<never>();
    // It may be rejected before the socket waits for it.
    ack.promise.catch(() => undefined);
    const fixture = await openSender({ ack: () => ack.promise });
    const [command] = (await fixture.insert(1)) as [CommandDocument];
    fixture.sender.ring();
    await eventually(() => fixture.socket.relayed.length === 1);
    await fixture.messageStatuses.update({ messageId: command.messageId ?? "", status: "delivered" });
    ack.reject(new Error("Connection Closed"));
    await eventually(async () => (await fixture.read(command)).state === "succeeded");
    expect(await fixture.read(command)).toMatchObject({ result: { status: "sent", type: "text" } });
    await fixture.expectPublished(command, "delivered");
  });

  test("a send that fails before the wire is retried before any later send", async () => {
    const fixture = await openSender({ failures: 2 });
    const commands = await fixture.insert(3);
    fixture.sender.ring();
    for (const command of commands)
      expect(await fixture.settled(command)).toMatchObject({ state: "succeeded" });
    const [first, second, third] = idsOf(commands);
    expect(fixture.socket.relayed).toEqual([first, first, first, second, third]);
  });

  test("a send that never reaches the wire is `dead` after three tries and blocks no later send", async () => {
    const fixture = await openSender({ failures: 3 });
    const [dead, next] = (await fixture.insert(2)) as [CommandDocument, CommandDocument];
    fixture.sender.ring();
    expect(await fixture.settled(dead)).toMatchObject({ state: "dead", error: { code: "not_sent" } });
    expect(await fixture.settled(next)).toMatchObject({ state: "succeeded" });
    await fixture.expectPublished(dead, "failed");
  });

  test("a send that fails after reaching the wire is not retried", async () => {
    const fixture = await openSender({ failures: 1, isOnWireWhenFailing: true });
    const [command] = (await fixture.insert(1)) as [CommandDocument];
    fixture.sender.ring();
    expect(await fixture.settled(command)).toMatchObject({ state: "succeeded" });
    expect(fixture.socket.relayed).toHaveLength(1);
  });

  test("an invalid payload and an unregistered number fail at once with their codes", async () => {
    const fixture = await openSender({ unregistered: ["15550109999@s.whatsapp.net"] });
    const [bad] = (await fixture.insert(1, { payload: { to: "nobody" } })) as [CommandDocument];
    const content = { type: "text", text: "Hello" };
    const [unregistered] = (await fixture.insert(1, { payload: { to: "15550109999", content } })) as [
      CommandDocument,
    ];
    const [good] = (await fixture.insert(1)) as [CommandDocument];
    fixture.sender.ring();
    expect(await fixture.settled(bad)).toMatchObject({ state: "failed", error: { code: "invalid_command" } });
    expect(await fixture.settled(unregistered)).toMatchObject({
      state: "failed",
      error: { code: "recipient_not_on_whatsapp" },
    });
    expect(await fixture.settled(good)).toMatchObject({ state: "succeeded" });
    expect(fixture.errors).toEqual([]);
  });

  test("a send without a message id gets one", async () => {
    const fixture = await openSender();
    const [command] = (await fixture.insert(1)) as [CommandDocument];
    await file.all.commands.updateOne({ _id: command._id }, { $unset: { messageId: "" } });
    fixture.sender.ring();
    const { messageId } = await fixture.settled(command);
    expect(messageId).toMatch(/^3EB0[0-9A-F]{18}$/);
    expect(fixture.socket.relayed).toEqual([messageId]);
  });
});

describe("when sending is interrupted", () => {
  test("a closed socket queues the rest of a batch again, which is sent in order over the next one", async () => {
    const gate = Promise.withResolvers<void>();
    const fixture = await openSender({ relay: () => gate.promise });
    const commands = await fixture.insert(10);
    fixture.sender.ring();
    await eventually(() => fixture.socket.relayed.length === 1);
    fixture.now.sending = { kind: "closed" };
    fixture.gone.abort();
    gate.resolve();
    await eventually(async () => (await fixture.read(commands[9] as CommandDocument)).state === "queued");
    const next = fakeSocket({});
    fixture.now.sending = { kind: "open", wa: next.wa, gone: new AbortController().signal };
    fixture.sender.ring();
    await Promise.all(commands.map(fixture.settled));
    // The first one may or may not have arrived.
    expect([fixture.socket.relayed, next.relayed]).toEqual([idsOf(commands).slice(0, 1), idsOf(commands)]);
    expect((await fixture.read(commands[9] as CommandDocument)).attempts).toBe(1);
  });

  test("a stopped sender finishes the send on its way, and queues the rest again", async () => {
    const [relayed, acked] = [Promise.withResolvers<void>(), Promise.withResolvers<"sent">()];
    const fixture = await openSender({ relay: () => relayed.promise, ack: () => acked.promise });
    const commands = await fixture.insert(20);
    fixture.sender.ring();
    await eventually(() => fixture.socket.relayed.length === 1);
    const stopped = fixture.sender.stop();
    relayed.resolve();
    await eventually(async () => (await fixture.read(commands[15] as CommandDocument)).state === "queued");
    acked.resolve("sent");
    await stopped;
    const states = (await Promise.all(commands.map(fixture.read))).map(({ state }) => state);
    expect(states).toEqual(commands.map((_, index) => (index === 0 ? "succeeded" : "queued")));
  });

  test("a sender that lost its ownership claims and sends nothing", async () => {
    const fixture = await openSender();
    const commands = await fixture.insert(3);
    fixture.now.isOwner = false;
    fixture.sender.ring();
    await fixture.sender.stop();
    expect((await Promise.all(commands.map(fixture.read))).map(({ state }) => state)).toEqual(
      commands.map(() => "queued"),
    );
    expect(fixture.socket.relayed).toEqual([]);
  });
});

describe("without an open socket", () => {
  test("commands wait, and overdue ones expire and are published", async () => {
    const fixture = await openSender();
    fixture.now.sending = { kind: "closed" };
    const [old] = (await fixture.insert(1, { expiresAt: past })) as [CommandDocument];
    const [fresh] = (await fixture.insert(1)) as [CommandDocument];
    fixture.sender.ring();
    expect(await fixture.settled(old)).toMatchObject({ state: "expired", error: { code: "expired" } });
    await fixture.expectPublished(old, "failed");
    expect(await fixture.read(fresh)).toMatchObject({ state: "queued", attempts: 0 });
  });

  test("all sends of a logged-out channel fail at once", async () => {
    const fixture = await openSender();
    fixture.now.sending = { kind: "logged_out" };
    const commands = await fixture.insert(40);
    fixture.sender.ring();
    for (const command of commands) {
      expect(await fixture.settled(command)).toMatchObject({
        state: "failed",
        error: {
          code: "channel_logged_out",
          details: { messageId: command.messageId, commandId: command._id },
        },
      });
    }
    expect(fixture.socket.relayed).toEqual([]);
  });

  test("a send that becomes overdue after its claim expires and is not relayed", async () => {
    const onRelay: { overdue?: () => Promise<unknown> } = {};
    const fixture = await openSender({ relay: async () => onRelay.overdue?.() });
    const [first, second] = (await fixture.insert(2)) as [CommandDocument, CommandDocument];
    onRelay.overdue = () => {
      fixture.now.aheadMs = 24 * 3_600_000;
      return file.all.commands.updateOne({ _id: second._id }, { $set: { expiresAt: past } });
    };
    fixture.sender.ring();
    expect(await fixture.settled(second)).toMatchObject({ state: "expired" });
    expect(await fixture.settled(first)).toMatchObject({ state: "succeeded" });
    expect(fixture.socket.relayed).toEqual(idsOf([first]));
    await fixture.expectPublished(second, "failed");
    expect(fixture.errors).toEqual([]);
  });

  test("an overdue send is not relayed when the socket is back", async () => {
    const fixture = await openSender();
    const [old] = (await fixture.insert(1, { expiresAt: past })) as [CommandDocument];
    const [fresh] = (await fixture.insert(1)) as [CommandDocument];
    fixture.sender.ring();
    await fixture.settled(fresh);
    expect(await fixture.read(old)).toMatchObject({ state: "expired" });
    expect(fixture.socket.relayed).toEqual(idsOf([fresh]));
  });
});

test("a send goes out although the ring for it finds an older one", async () => {
  const fixture = await openSender();
  fixture.sender.ring();
  const [warm] = (await fixture.insert(1)) as [CommandDocument];
  fixture.sender.ring({ commandId: warm._id });
  await fixture.settled(warm);
  // Nobody rings for the older one.
  const commands = await fixture.insert(2);
  fixture.sender.ring({ commandId: commands[1]?._id ?? "" });
  await Promise.all(commands.map(fixture.settled));
  expect(fixture.socket.relayed).toEqual(idsOf([warm, ...commands]));
});
