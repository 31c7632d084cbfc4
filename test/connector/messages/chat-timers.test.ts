import { randomUUID } from "node:crypto";
import { expect, test } from "vitest";
import { proto, type WAMessage } from "#connector/baileys/baileys.ts";
import { createChatTimers } from "#connector/messages/chat-timers.ts";
import { fileDatabase } from "../connector.fixture.ts";
import { hookedCollections } from "../faulty-collections.fixture.ts";

const file = fileDatabase();
const number = "15550100001@s.whatsapp.net";
const lid = "1001@lid";
const day = 86_400;
const { EPHEMERAL_SETTING } = proto.Message.ProtocolMessage.Type;

/** The timers of a channel, as its owner sees them; `writes` counts those that reached the database. */
function timersOf(channelId: string = randomUUID()) {
  const counts = { writes: 0 };
  const hooked = hookedCollections(file.all, {
    async before({ collection }) {
      if (collection === "chats") counts.writes++;
    },
  });
  const addressesOf = async (jid: string) =>
    jid === number ? [number, lid] : jid === lid ? [lid, number] : [jid];
  return { channelId, counts, timers: createChatTimers(hooked, channelId, { addressesOf }) };
}

type Message = Pick<WAMessage, "key" | "message" | "messageTimestamp">;

const messageAt = (at: number, message: proto.IMessage, key: Partial<WAMessage["key"]> = {}): Message => ({
  key: { remoteJid: number, fromMe: false, id: randomUUID(), ...key },
  message,
  messageTimestamp: at,
});
const setting = (at: number, ephemeralExpiration: number, key: Partial<WAMessage["key"]> = {}) =>
  messageAt(at, { protocolMessage: { type: EPHEMERAL_SETTING, ephemeralExpiration } }, key);
const textUnder = (at: number, expiration: number, setAt?: number): Message =>
  messageAt(at, {
    extendedTextMessage: {
      text: "Hello",
      contextInfo: { expiration, ...(setAt && { ephemeralSettingTimestamp: setAt }) },
    },
  });

test("a chat whose timer nobody has told has none", async () => {
  const { timers } = timersOf();
  await timers.learn([messageAt(100, { conversation: "Hello" })]);
  expect(await timers.of(number)).toBeNull();
});

test.each<[string, Message, { seconds: number; setAt: number } | null]>([
  ["a change of the setting", setting(100, day), { seconds: day, setAt: 100_000 }],
  ["one on our own phone", setting(100, day, { fromMe: true }), { seconds: day, setAt: 100_000 }],
  ["one that switches it off", setting(100, 0), null],
  ["a text that runs under it", textUnder(100, day, 90), { seconds: day, setAt: 90_000 }],
  ["a text that does not say since when", textUnder(100, day), { seconds: day, setAt: 100_000 }],
  [
    "a text that claims a later setting than itself",
    textUnder(100, day, 999),
    { seconds: day, setAt: 100_000 },
  ],
  [
    "a picture in a wrapper",
    messageAt(100, { ephemeralMessage: { message: { imageMessage: { contextInfo: { expiration: day } } } } }),
    { seconds: day, setAt: 100_000 },
  ],
  ["an absurd timer", textUnder(100, 4_000_000_000), null],
  ["a setting in a group", setting(100, day, { remoteJid: "120363000000000000@g.us" }), null],
])("%s tells the timer", async (_, message, timer) => {
  const { timers, channelId } = timersOf();
  await timers.learn([message]);
  expect(await timers.of(number)).toEqual(timer);
  expect(await timersOf(channelId).timers.of(number)).toEqual(timer);
});

test("the newest setting counts, in whatever order they are seen, by any owner", async () => {
  const { timers, channelId } = timersOf();
  await timers.learn([setting(300, 0), setting(200, day)]);
  expect(await timers.of(number)).toBeNull();
  await timersOf(channelId).timers.learn([setting(250, 7 * day)]);
  expect(await timersOf(channelId).timers.of(number)).toBeNull();
  await timersOf(channelId).timers.learn([setting(400, 90 * day)]);
  expect(await timersOf(channelId).timers.of(number)).toEqual({ seconds: 90 * day, setAt: 400_000 });
});

test("a person's number and LID share the newest timer", async () => {
  const { timers } = timersOf();
  await timers.learn([setting(100, day, { remoteJid: lid })]);
  expect(await timers.of(number)).toMatchObject({ seconds: day });
  await timers.learn([setting(200, 7 * day, { remoteJid: lid, remoteJidAlt: number })]);
  expect(await timers.of(lid)).toMatchObject({ seconds: 7 * day });
});

test("the phone's list of chats tells timers, and chats without the fields none", async () => {
  const { timers } = timersOf();
  await timers.learnChats([
    { id: number, ephemeralExpiration: day, ephemeralSettingTimestamp: 100 },
    { id: "15550100002@s.whatsapp.net" },
  ]);
  expect(await timers.of(number)).toEqual({ seconds: day, setAt: 100_000 });
  expect(await timers.of("15550100002@s.whatsapp.net")).toBeNull();
  await timers.learnChats([{ id: number, ephemeralExpiration: null, ephemeralSettingTimestamp: 200 }]);
  expect(await timers.of(number)).toBeNull();
});

test("a timer that goes on is not written again", async () => {
  const { timers, counts } = timersOf();
  await timers.learn([textUnder(100, day, 90)]);
  for (let at = 101; at < 120; at++) await timers.learn([textUnder(at, day, 90)]);
  expect(await timers.of(number)).toMatchObject({ seconds: day });
  expect(counts.writes).toBe(1);
});
