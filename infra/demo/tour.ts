import type { Collection } from "mongodb";
import type { ChannelDocument } from "#shared/collections.ts";
import type { Sandbox } from "../sandbox/sandbox-api.ts";
import type { Client, ClientEvent } from "./client.ts";
import type { Picture } from "./picture.ts";
import type { Steps } from "./step.ts";

export interface TourOptions {
  client: Client;
  sandbox: Sandbox;
  picture: Picture;
  /** Holds the text of the QR code, which clients see only as a picture. */
  channels: Collection<ChannelDocument>;
  steps: Steps;
}

/** Fictional phone numbers. */
const shop = "15550100001";
const customer = "15550100002";
const branch = "15550100003";

/** Walks the main job from end to end. Throws `StepError` for the step that failed. */
export async function tour(options: TourOptions): Promise<void> {
  const channelId = await pairByQr(options);
  await exchangeTexts(options, channelId);
  await sendPicture(options, channelId);
  await reconnect(options, channelId);
  const second = await pairByCode(options);
  await unlinkFromPhone(options, second);
}

async function pairByQr({ client, sandbox, channels, steps }: TourOptions): Promise<string> {
  const { payload } = await steps.run(
    "create a channel over HTTP",
    () => client.call("POST", "/channels", { name: "Demo shop" }),
    ({ payload }) => payload.channelId,
  );
  const channelId = payload.channelId ?? "";
  await client.subscribe(channelId);
  await steps.run("ask it to connect", () => client.call("POST", `/channels/${channelId}/connect`));
  await steps.run(
    "the QR code arrives over Socket.io",
    () => client.waitFor("qr_code", of(channelId)),
    attemptOf,
  );
  await steps.run("the phone scans it", async () => {
    const { pairing } = (await channels.findOne({ _id: channelId })) ?? {};
    await sandbox.account(shop).scan(pairing?.text ?? "");
  });
  await steps.run("the channel becomes active", () => client.waitFor("connection_update", active(channelId)));
  return channelId;
}

async function exchangeTexts({ client, sandbox, steps }: TourOptions, channelId: string): Promise<void> {
  const contact = sandbox.account(customer);
  contact.receiptPolicy = { delivered: "auto", read: 300 };
  const { payload } = await steps.run(
    "send a text",
    () =>
      client.call("POST", `/channels/${channelId}/send`, { to: customer, message: "Your order is ready." }),
    ({ payload }) => payload.messageId,
  );
  const isThis = ({ messageId }: ClientEvent) => messageId === payload.messageId;
  await steps.run("the contact receives it under the same id", () =>
    contact.waitForMessage(({ id, text }) => id === payload.messageId && text === "Your order is ready."),
  );
  for (const status of ["delivered", "read"]) {
    await steps.run(`status update: ${status}`, () =>
      client.waitFor("message_status_update", (event) => isThis(event) && event.status === status),
    );
  }
  await steps.run("the contact replies: incoming_message", async () => {
    await contact.sendText(shop, "Thank you!");
    return client.waitFor("incoming_message", (event) => event.message === "Thank you!");
  });
}

async function sendPicture(
  { client, sandbox, picture, steps }: TourOptions,
  channelId: string,
): Promise<void> {
  const body = { to: customer, mediaType: "image", mediaUrl: picture.url, caption: "Your receipt" };
  const { payload } = await steps.run("send an image by URL", () =>
    client.call("POST", `/channels/${channelId}/send-media`, body),
  );
  await steps.run(
    "the contact receives it byte for byte",
    async () => {
      const { media } = await sandbox.account(customer).waitForMessage(({ id }) => id === payload.messageId);
      if (!media || !picture.bytes.equals(media.bytes)) throw new Error("the bytes differ");
      return media;
    },
    ({ bytes }) => `${bytes.length} bytes`,
  );
}

async function reconnect({ client, sandbox, steps }: TourOptions, channelId: string): Promise<void> {
  await steps.run("disconnect the channel", async () => {
    await client.call("POST", `/channels/${channelId}/disconnect`);
    return client.waitFor("connection_update", ({ status }) => status === "inactive");
  });
  await sandbox.account(customer).sendText(shop, "Are you there?");
  await steps.run("connect again without a QR code", async () => {
    await client.call("POST", `/channels/${channelId}/connect`);
    return client.waitFor("connection_update", active(channelId));
  });
  await steps.run("the message sent meanwhile arrives", () =>
    client.waitFor("incoming_message", ({ message }) => message === "Are you there?"),
  );
}

async function pairByCode({ client, sandbox, steps }: TourOptions): Promise<string> {
  const { payload } = await client.call("POST", "/channels", { name: "Demo branch", phoneNumber: branch });
  const channelId = payload.channelId ?? "";
  await client.subscribe(channelId);
  const shown = await steps.run(
    "a second channel shows a pairing code",
    async () => {
      await client.call("POST", `/channels/${channelId}/connect`, { phoneNumber: branch });
      return client.waitFor("pairing_code", of(channelId));
    },
    ({ code }) => String(code),
  );
  await steps.run("the phone enters it: the channel becomes active", async () => {
    await sandbox.account(branch).typeCode(String(shown.code));
    return client.waitFor("connection_update", active(channelId));
  });
  return channelId;
}

async function unlinkFromPhone({ client, sandbox, steps }: TourOptions, channelId: string): Promise<void> {
  await steps.run("the phone unlinks the channel: logged_out", async () => {
    await sandbox.account(branch).unlink();
    return client.waitFor(
      "connection_update",
      (event) => of(channelId)(event) && event.status === "logged_out",
    );
  });
}

function of(channelId: string) {
  return (event: ClientEvent) => event.channelId === channelId;
}

function active(channelId: string) {
  return (event: ClientEvent) =>
    event.channelId === channelId && event.status === "active" && !event.snapshot;
}

function attemptOf({ attempt, of: count }: ClientEvent): string {
  return `code ${attempt} of ${count}`;
}
