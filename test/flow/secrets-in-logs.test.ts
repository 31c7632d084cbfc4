import { printed } from "../support/printed.ts";

// The one above comes before all that prints.

import { afterAll, beforeAll, expect, test } from "vitest";
import { type Picture, servePicture } from "#infra/demo/picture.ts";
import { createLog } from "#shared/log.ts";
import { eventually } from "../support/eventually.ts";
import { listenTo } from "../support/listening.ts";
import { newChannel, pairedChannel } from "../support/pairing.ts";
import { apiKey, type OneProcess, startSystem } from "../support/system.ts";

const shop = "15550100071";
const contactNumber = "15550100072";
const lines: string[] = [];
let picture: Picture;
let system: OneProcess;

beforeAll(async () => {
  picture = await servePicture();
  system = await startSystem({
    log: createLog("trace", { write: (line) => void lines.push(line) }),
    config: { mediaAllowHosts: [picture.host] },
  });
});

afterAll(async () => {
  await system[Symbol.asyncDispose]();
  await picture[Symbol.asyncDispose]();
});

/** Both ways of pairing, sends and messages of each kind, a contact that cannot decrypt, a lost connection. */
async function useEverything(): Promise<{ qr: string; code: string }> {
  const channel = await newChannel(system, shop);
  const post = (action: string, body: object = {}) =>
    system.api().post(`/channels/${channel.channelId}/${action}`, body);
  await post("connect");
  const qr = (await channel.becomes("qr_ready")).pairing?.text ?? "";
  await channel.phone.scan(qr);
  await channel.becomes("active");

  const contact = system.sandbox.account(contactNumber);
  const listening = await listenTo(system, channel.channelId);
  const send = () => post("send", { to: contactNumber, message: "outgoing-words" });
  const media = { mediaType: "image", mediaUrl: picture.url, caption: "caption-words" };
  expect((await send()).status).toBe(200);
  expect((await post("send-media", { to: contactNumber, ...media })).status).toBe(200);
  await contact.sendText(shop, "incoming-words");
  await listening.hears("incoming_message", ({ message }) => message === "incoming-words");
  contact.forgetSessions();
  expect((await send()).status).toBe(200);

  const other = await newChannel(system, "15550100073");
  const asked = { phoneNumber: "15550100073" };
  const shown = await system.api().post(`/channels/${other.channelId}/pairing-code`, asked);
  const code = String(shown.body.payload.code);
  await other.phone.typeCode(code);
  await other.becomes("active");
  const { logins } = system.sandbox.counts;
  system.sandbox.faults.drop("all");
  await eventually(() => system.sandbox.counts.logins >= logins + 2, { withinMs: 20_000 });
  await channel.becomes("active");
  await pairedChannel(system, "15550100074");
  return { qr, code };
}

test("at its most talkative the log has no key, code, QR, text or number, and nothing is printed beside it", async () => {
  const pairings = await useEverything();
  expect(printed).toEqual([]);
  expect(lines.length).toBeGreaterThan(20);
  const log = lines.join("");
  const secrets = {
    ...{ apiKey, ...pairings, numbers: "155501000" },
    texts: "outgoing-words",
    incoming: "incoming-words",
    caption: "caption-words",
  };
  for (const [name, secret] of Object.entries(secrets)) expect(log.includes(secret), name).toBe(false);
  expect(log).not.toMatch(/privKey|rootKey|chainKey|ephemeralKeyPair|Closing session/);
});
