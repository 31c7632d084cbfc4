import { servePicture } from "#infra/demo/picture.ts";
import { createLog } from "#shared/log.ts";
import { runMain } from "#shared/run-main.ts";
import { eventually } from "../support/eventually.ts";
import { newChannel, pairedChannel } from "../support/pairing.ts";
import { subscribeTo } from "../support/subscription.ts";
import { startSystem } from "../support/system.ts";

/**
 * Pairs by QR and by code, sends and receives each kind of message, and goes through a failed decryption and a lost
 * connection, with the log at trace level on standard output. Prints the QR and the code to standard error.
 */
await runMain(async (_stopRequested, env) => {
  const [shop = "", contactNumber = "", otherShop = "", thirdShop = ""] = process.argv.slice(2);
  await using picture = await servePicture();
  await using system = await startSystem({
    database: { uri: String(env.MONGO_URI) },
    log: createLog("trace"),
    config: { mediaAllowHosts: [picture.host] },
  });

  const channel = await newChannel(system, shop);
  const post = async (action: string, expected: number, body: object = {}) => {
    const { status } = await system.api().post(`/channels/${channel.channelId}/${action}`, body);
    if (status !== expected) throw new Error(`${action}: ${status}`);
  };
  await post("connect", 202);
  const qr = (await channel.becomes("qr_ready")).pairing?.text ?? "";
  await channel.phone.scan(qr);
  await channel.becomes("active");

  const contact = system.sandbox.account(contactNumber);
  const subscription = await subscribeTo(system, channel.channelId);
  const send = () => post("send", 200, { to: contactNumber, message: "outgoing-words" });
  const media = { mediaType: "image", mediaUrl: picture.url, caption: "caption-words" };
  await send();
  await post("send-media", 200, { to: contactNumber, ...media });
  await contact.sendText(shop, "incoming-words");
  await subscription.receives("incoming_message", ({ message }) => message === "incoming-words");
  contact.forgetSessions();
  await send();

  const other = await newChannel(system, otherShop);
  const shown = await system
    .api()
    .post(`/channels/${other.channelId}/pairing-code`, { phoneNumber: otherShop });
  const code = String(shown.body.payload.code);
  await other.phone.typeCode(code);
  await other.becomes("active");
  const { logins } = system.sandbox.counts;
  system.sandbox.faults.drop("all");
  await eventually(() => system.sandbox.counts.logins >= logins + 2);
  await channel.becomes("active");
  await pairedChannel(system, thirdShop);
  process.stderr.write(JSON.stringify({ qr, code }));
});
