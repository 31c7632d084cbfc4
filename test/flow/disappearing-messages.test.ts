import { afterAll, beforeAll, expect, test } from "vitest";
import { proto } from "#connector/baileys/baileys.ts";
import { servePicture } from "#infra/demo/picture.ts";
import type { Addressing } from "#infra/sandbox/account.ts";
import { cleanCounts } from "../support/clean-counts.ts";
import { eventually } from "../support/eventually.ts";
import { pairedChannel, type TestChannel } from "../support/pairing.ts";
import { type OneProcess, startSystem } from "../support/system.ts";

const phoneNumber = "15550100431";
const contact = "15550100432";
const day = 86_400;
let system: OneProcess;
let channel: TestChannel;
let picture: Awaited<ReturnType<typeof servePicture>>;

beforeAll(async () => {
  picture = await servePicture();
  system = await startSystem({ config: { mediaAllowHosts: [picture.host] } });
  channel = await pairedChannel(system, phoneNumber);
});

afterAll(async () => {
  await system[Symbol.asyncDispose]();
  await picture[Symbol.asyncDispose]();
  expect(system.sandbox.counts.snapshot()).toMatchObject(cleanCounts);
});

/** Sends, and resolves to the context that the contact's phone finds in the message. */
async function contextOf(action: string, body: object): Promise<proto.IContextInfo | null> {
  const answer = await system.api().post(`/channels/${channel.channelId}/${action}`, body);
  expect(answer.status).toBe(200);
  const { messageId } = answer.body.payload;
  const { message } = await system.sandbox.account(contact).waitForMessage(({ id }) => id === messageId);
  const [content] = Object.values(message).filter(
    (part) => part && typeof part === "object" && "contextInfo" in part,
  );
  return (content as { contextInfo?: proto.IContextInfo } | undefined)?.contextInfo ?? null;
}
const text = (to = contact) => contextOf("send", { to, message: "Hello" });
const media = (mediaType: string) =>
  contextOf("send-media", { to: contact, mediaType, mediaUrl: picture.url });

/** Changes the timer on somebody's phone, and waits until the channel has learned it. */
async function setTimer(ephemeralExpiration: number, from = contact, addressing: Addressing = "pn") {
  const type = proto.Message.ProtocolMessage.Type.EPHEMERAL_SETTING;
  const to = from === contact ? phoneNumber : contact;
  const message = { protocolMessage: { type, ephemeralExpiration } };
  // WhatsApp dates settings by the second.
  await new Promise((resolve) => setTimeout(resolve, 1_000 - (Date.now() % 1_000)));
  await system.sandbox.account(from).sendMessage(to, message, { addressing });
  await eventually(() =>
    system.collections.chats.findOne({
      channelId: channel.channelId,
      "disappearing.seconds": ephemeralExpiration,
    }),
  );
}

test("a chat whose messages stay gets messages without a timer", async () => {
  expect((await text())?.expiration ?? 0).toBe(0);
  expect((await media("image"))?.expiration ?? 0).toBe(0);
});

test("a chat whose messages disappear gets texts and media with its timer, also after a restart", async () => {
  await setTimer(day);
  const setAt = expect.anything();
  expect(await text()).toMatchObject({ expiration: day, ephemeralSettingTimestamp: setAt });
  for (const type of ["image", "document"]) {
    expect(await media(type)).toMatchObject({ expiration: day, ephemeralSettingTimestamp: setAt });
  }
  await system.stop();
  await system.start();
  await channel.becomes("active");
  expect(await text()).toMatchObject({ expiration: day });
  expect(await text(system.sandbox.account(contact).lid)).toMatchObject({ expiration: day });
}, 120_000);

test("the timer follows the latest setting: of either phone, under either address, in any message", async () => {
  await setTimer(7 * day, phoneNumber);
  expect(await text()).toMatchObject({ expiration: 7 * day });
  await setTimer(90 * day, contact, "lid");
  expect(await text()).toMatchObject({ expiration: 90 * day });
  await setTimer(0);
  expect((await text())?.expiration ?? 0).toBe(0);
}, 120_000);
