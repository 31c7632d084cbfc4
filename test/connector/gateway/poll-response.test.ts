import { connect } from "node:net";
import { expect, test } from "vitest";
import { eventually } from "#test/support/eventually.ts";
import { GatewayFixture } from "./gateway.fixture.ts";
import { PollingClient } from "./raw-clients.fixture.ts";

test("a client that polls again without having read the last response is closed, and so is that response", async () => {
  await using gateway = await GatewayFixture.start({ limits: { lingerMs: 100 } });
  const { key } = await gateway.addKey();
  const channelId = await gateway.addChannel();
  const client = await new PollingClient(gateway.url).open();
  await client.send(`40${JSON.stringify({ apiKey: key })}`);
  await eventually(async () => (await client.receive()).includes('"authenticated"'));
  await client.send(`42["subscribe_channel",{"channelId":"${channelId}"}]`);
  await eventually(async () => (await client.receive()).includes('"snapshot"'));
  const witness = gateway.connect({ auth: { apiKey: key } });
  await witness.ask("subscribe_channel", { channelId });
  for (let seq = 1; seq <= 24; seq += 1) {
    await gateway.addEvent(channelId, seq, "incoming_message", { message: "x".repeat(500_000) });
  }
  await eventually(() => witness.received.some(({ data }) => data.seq === 24));

  const { hostname, port, pathname, search, host } = new URL(client.url);
  const deaf = connect(Number(port), hostname);
  const readable = Promise.withResolvers<void>();
  const closed = Promise.withResolvers<void>();
  // Without a read, the socket buffers 64 KB and leaves the rest to the network.
  deaf.once("readable", readable.resolve);
  deaf.on("error", () => undefined).on("close", closed.resolve);
  deaf.write(`GET ${pathname}${search} HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
  await readable.promise;
  await eventually(async () => {
    await client.send('421["nothing"]');
    return (await client.poll()).status === 400;
  });
  deaf.resume();
  await closed.promise;
  expect(deaf.bytesRead).toBeLessThan(12e6);
});
