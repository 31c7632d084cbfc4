import { expect, test } from "vitest";
import { servePicture } from "../../infra/demo/picture.ts";
import { createLog } from "../../shared/log.ts";
import { listenTo } from "../support/listening.ts";
import { newChannel, pairedChannel } from "../support/pairing.ts";
import { apiKey, testWaypost } from "../support/waypost.ts";

test("at its most talkative the log has no key, code, QR, text or number, and the console is silent", async () => {
  const lines: string[] = [];
  const printed: string[] = [];
  const write = process.stdout.write.bind(process.stdout);
  const capture = (chunk: string | Uint8Array) => printed.push(String(chunk)) > 0;
  process.stdout.write = capture;
  process.stderr.write = capture;
  await using picture = await servePicture();
  await using waypost = await testWaypost({
    log: createLog("trace", { write: (line) => void lines.push(line) }),
    config: { mediaAllowHosts: [picture.host] },
  });
  const secrets: Record<string, string> = { apiKey };
  try {
    const channel = await newChannel(waypost, "15550100071");
    await waypost.api().post(`/channels/${channel.channelId}/connect`);
    const { pairing } = await channel.becomes("qr_ready");
    secrets.qr = pairing?.text ?? "";
    await channel.phone.scan(secrets.qr);
    await channel.becomes("active");
    const contact = waypost.sandbox.account("15550100072");
    await waypost
      .api()
      .post(`/channels/${channel.channelId}/send`, { to: "15550100072", message: "outgoing-words" });
    const media = { to: "15550100072", mediaType: "image", mediaUrl: picture.url, caption: "caption-words" };
    await waypost.api().post(`/channels/${channel.channelId}/send-media`, media);
    await contact.forgetSessions();
    const listening = await listenTo(waypost, channel.channelId);
    await contact.sendText("15550100071", "incoming-words");
    await listening.hears("incoming_message", ({ message }) => message === "incoming-words");
    await waypost
      .api()
      .post(`/channels/${channel.channelId}/send`, { to: "15550100072", message: "outgoing-words" });
    const other = await newChannel(waypost, "15550100073");
    const shown = await waypost
      .api()
      .post(`/channels/${other.channelId}/pairing-code`, { phoneNumber: "15550100073" });
    secrets.code = String(shown.body.payload.code);
    await other.phone.typeCode(secrets.code);
    await other.becomes("active");
    waypost.sandbox.faults.drop("all");
    await channel.becomes("active");
    await pairedChannel(waypost, "15550100074");
  } finally {
    process.stdout.write = write;
    process.stderr.write = write;
  }
  expect(lines.length).toBeGreaterThan(20);
  Object.assign(secrets, {
    outgoing: "outgoing-words",
    incoming: "incoming-words",
    caption: "caption-words",
    number: "155501000",
  });
  const everything = [...lines, ...printed].join("");
  for (const [name, secret] of Object.entries(secrets)) expect(everything.includes(secret), name).toBe(false);
  expect(everything).not.toMatch(/privKey|rootKey|chainKey|ephemeralKeyPair|Closing session/);
});
