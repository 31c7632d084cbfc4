import { setTimeout as delay } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import type { CommandDocument } from "#shared/collections.ts";
import { eventually } from "#test/support/eventually.ts";
import { fileDatabase } from "../connector.fixture.ts";
import { type Answers, fakeSocket } from "./fake-socket.fixture.ts";
import { senderOn } from "./sender.fixture.ts";

const file = fileDatabase();
const past = new Date(Date.now() - 60_000);
const sender = (answers?: Answers, ackMs?: number) => senderOn(file.all, answers, ackMs);
const idsOf = (commands: CommandDocument[]) => commands.map(({ messageId }) => messageId);

describe("on an open socket", () => {
  test("messages go out in order, each under its id, and succeed with the server's answer", async () => {
    const here = await sender();
    const commands = await here.insert(40);
    here.sender.ring();
    for (const command of commands) {
      expect(await here.settled(command)).toMatchObject({
        state: "succeeded",
        result: {
          messageId: command.messageId,
          to: "15550100001@s.whatsapp.net",
          type: "text",
          status: "sent",
        },
        relayStartedAt: expect.any(Date),
      });
      await here.hears(command, "sent");
    }
    expect(here.socket.relayed).toEqual(idsOf(commands));
  });

  test("one relay at a time, while waiting for answers overlaps", async () => {
    const gate = Promise.withResolvers<"sent">();
    const here = await sender({ ack: () => gate.promise, relay: () => delay(1) });
    const commands = await here.insert(6);
    here.sender.ring();
    await eventually(() => here.socket.relayed.length === 6);
    gate.resolve("sent");
    await Promise.all(commands.map(here.settled));
    expect(here.socket.most).toEqual({ relays: 1, answers: 6 });
  });

  test("a refusal says so, with WhatsApp's code, and is not repeated", async () => {
    const here = await sender({ ack: async () => 479 });
    const [command] = (await here.insert(1)) as [CommandDocument];
    here.sender.ring();
    expect(await here.settled(command)).toMatchObject({
      state: "failed",
      error: {
        code: "whatsapp_rejected",
        details: { messageId: command.messageId, commandId: command._id, whatsappCode: 479 },
      },
    });
    await here.hears(command, "failed");
    expect(here.socket.relayed).toHaveLength(1);
  });

  test("no answer is unknown, and is not sent again", async () => {
    const here = await sender({ ack: async () => null }, 50);
    const [command] = (await here.insert(1)) as [CommandDocument];
    here.sender.ring();
    expect(await here.settled(command)).toMatchObject({ state: "unknown", result: { status: "unknown" } });
    await here.hears(command, "unknown");
    expect(here.socket.relayed).toHaveLength(1);
  });

  test("a receipt that came although the answer did not makes it succeed", async () => {
    const noAnswer = Promise.withResolvers<never>();
    const here = await sender({ ack: () => noAnswer.promise });
    const [command] = (await here.insert(1)) as [CommandDocument];
    here.sender.ring();
    await eventually(() => here.socket.relayed.length === 1);
    await here.messageStatuses.update({ messageId: command.messageId ?? "", status: "delivered" });
    noAnswer.reject(new Error("Connection Closed"));
    await eventually(async () => (await here.read(command)).state === "succeeded");
    expect(await here.read(command)).toMatchObject({ result: { status: "sent", type: "text" } });
    await here.hears(command, "delivered");
  });

  test("what fails before the wire is tried again, before anything else goes out", async () => {
    const here = await sender({ failures: 2 });
    const commands = await here.insert(3);
    here.sender.ring();
    for (const command of commands) expect(await here.settled(command)).toMatchObject({ state: "succeeded" });
    const [first, second, third] = idsOf(commands);
    expect(here.socket.relayed).toEqual([first, first, first, second, third]);
  });

  test("what never reaches the wire is dead after three tries, and stops nothing", async () => {
    const here = await sender({ failures: 3 });
    const [dead, next] = (await here.insert(2)) as [CommandDocument, CommandDocument];
    here.sender.ring();
    expect(await here.settled(dead)).toMatchObject({ state: "dead", error: { code: "not_sent" } });
    expect(await here.settled(next)).toMatchObject({ state: "succeeded" });
    await here.hears(dead, "failed");
  });

  test("what fails after the wire is not sent again", async () => {
    const here = await sender({ failures: 1, isOnWireWhenFailing: true });
    const [command] = (await here.insert(1)) as [CommandDocument];
    here.sender.ring();
    expect(await here.settled(command)).toMatchObject({ state: "succeeded" });
    expect(here.socket.relayed).toHaveLength(1);
  });

  test("a payload that is none, and a number that is not on WhatsApp, fail at once with their code", async () => {
    const here = await sender({ strangers: ["15550109999@s.whatsapp.net"] });
    const [bad] = (await here.insert(1, { payload: { to: "nobody" } })) as [CommandDocument];
    const content = { type: "text", text: "Hello" };
    const [stranger] = (await here.insert(1, { payload: { to: "15550109999", content } })) as [
      CommandDocument,
    ];
    const [good] = (await here.insert(1)) as [CommandDocument];
    here.sender.ring();
    expect(await here.settled(bad)).toMatchObject({ state: "failed", error: { code: "invalid_command" } });
    expect(await here.settled(stranger)).toMatchObject({
      state: "failed",
      error: { code: "recipient_not_on_whatsapp" },
    });
    expect(await here.settled(good)).toMatchObject({ state: "succeeded" });
    expect(here.errors).toEqual([]);
  });

  test("a command without a message id gets one", async () => {
    const here = await sender();
    const [command] = (await here.insert(1)) as [CommandDocument];
    await file.all.commands.updateOne({ _id: command._id }, { $unset: { messageId: "" } });
    here.sender.ring();
    const { messageId } = await here.settled(command);
    expect(messageId).toMatch(/^3EB0[0-9A-F]{18}$/);
    expect(here.socket.relayed).toEqual([messageId]);
  });
});

describe("when the socket goes", () => {
  test("the rest is put back in order, and goes out over the next one", async () => {
    const gate = Promise.withResolvers<void>();
    const here = await sender({ relay: () => gate.promise });
    const commands = await here.insert(10);
    here.sender.ring();
    await eventually(() => here.socket.relayed.length === 1);
    here.now.sending = { kind: "closed" };
    here.gone.abort();
    gate.resolve();
    await eventually(async () => (await here.read(commands[9] as CommandDocument)).state === "queued");
    const other = fakeSocket({});
    here.now.sending = { kind: "open", wa: other.wa, gone: new AbortController().signal };
    here.sender.ring();
    await Promise.all(commands.map(here.settled));
    // Nothing says whether the first one arrived.
    expect([here.socket.relayed, other.relayed]).toEqual([idsOf(commands).slice(0, 1), idsOf(commands)]);
    expect((await here.read(commands[9] as CommandDocument)).attempts).toBe(1);
  });

  test("stopping finishes what is on its way, and leaves the rest", async () => {
    const [relays, answers] = [Promise.withResolvers<void>(), Promise.withResolvers<"sent">()];
    const here = await sender({ relay: () => relays.promise, ack: () => answers.promise });
    const commands = await here.insert(20);
    here.sender.ring();
    await eventually(() => here.socket.relayed.length === 1);
    const stopped = here.sender.stop();
    relays.resolve();
    await eventually(async () => (await here.read(commands[15] as CommandDocument)).state === "queued");
    answers.resolve("sent");
    await stopped;
    const states = (await Promise.all(commands.map(here.read))).map(({ state }) => state);
    expect(states).toEqual(commands.map((_, index) => (index === 0 ? "succeeded" : "queued")));
  });

  test("who is not the owner any more sends and claims nothing", async () => {
    const here = await sender();
    const commands = await here.insert(3);
    here.now.isOwner = false;
    here.sender.ring();
    await here.sender.stop();
    expect((await Promise.all(commands.map(here.read))).map(({ state }) => state)).toEqual(
      commands.map(() => "queued"),
    );
    expect(here.socket.relayed).toEqual([]);
  });
});

describe("without a socket", () => {
  test("commands wait, and what is too old is expired and told", async () => {
    const here = await sender();
    here.now.sending = { kind: "closed" };
    const [old] = (await here.insert(1, { expiresAt: past })) as [CommandDocument];
    const [fresh] = (await here.insert(1)) as [CommandDocument];
    here.sender.ring();
    expect(await here.settled(old)).toMatchObject({ state: "expired", error: { code: "expired" } });
    await here.hears(old, "failed");
    expect(await here.read(fresh)).toMatchObject({ state: "queued", attempts: 0 });
  });

  test("a channel that is logged out fails them all at once", async () => {
    const here = await sender();
    here.now.sending = { kind: "logged_out" };
    const commands = await here.insert(40);
    here.sender.ring();
    for (const command of commands) {
      expect(await here.settled(command)).toMatchObject({
        state: "failed",
        error: {
          code: "channel_logged_out",
          details: { messageId: command.messageId, commandId: command._id },
        },
      });
    }
    expect(here.socket.relayed).toEqual([]);
  });

  test("a message that was claimed in time and then waited too long is expired, and does not go out", async () => {
    const late: { command?: CommandDocument } = {};
    const relay = () =>
      file.all.commands.updateOne({ _id: late.command?._id ?? "" }, { $set: { expiresAt: past } });
    const here = await sender({ relay });
    const [first, second] = (await here.insert(2)) as [CommandDocument, CommandDocument];
    late.command = second;
    here.sender.ring();
    expect(await here.settled(second)).toMatchObject({ state: "expired" });
    expect(await here.settled(first)).toMatchObject({ state: "succeeded" });
    expect(here.socket.relayed).toEqual(idsOf([first]));
    await here.hears(second, "failed");
    expect(here.errors).toEqual([]);
  });

  test("an old message does not go out when the socket is back", async () => {
    const here = await sender();
    const [old] = (await here.insert(1, { expiresAt: past })) as [CommandDocument];
    const [fresh] = (await here.insert(1)) as [CommandDocument];
    here.sender.ring();
    await here.settled(fresh);
    expect(await here.read(old)).toMatchObject({ state: "expired" });
    expect(here.socket.relayed).toEqual(idsOf([fresh]));
  });
});
