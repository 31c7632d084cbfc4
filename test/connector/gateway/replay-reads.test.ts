import { type CommandStartedEvent, MongoClient } from "mongodb";
import { expect, test } from "vitest";
import { testDatabase } from "#test/support/test-database.ts";
import { GatewayFixture } from "./gateway.fixture.ts";

const atOnceMax = 2;

test("no more pages of missed events are read at once than all clients may", async () => {
  await using database = await testDatabase();
  await using client = await MongoClient.connect(database.uri, { monitorCommands: true });
  const reading = new Set<number>();
  let mostAtOnce = 0;
  client.on("commandStarted", ({ requestId, command }) => {
    if (isPage(command)) reading.add(requestId);
    mostAtOnce = Math.max(mostAtOnce, reading.size);
  });
  const end = ({ requestId }: { requestId: number }) => void reading.delete(requestId);
  client.on("commandSucceeded", end).on("commandFailed", end);
  const own = { ...database, client, db: client.db() };
  await using gateway = await GatewayFixture.start({
    database: own,
    limits: { replayReadsMax: atOnceMax, sweepMs: 600_000 },
  });
  const channelId = await gateway.addChannel();
  await gateway.addMessages(channelId, 1, 250);
  const clients = await Promise.all(Array.from({ length: 12 }, () => gateway.connectAdmin()));
  const answers = await Promise.all(
    clients.map(({ ask }) => ask("subscribe_channel", { channelId, after: 0 })),
  );
  expect(answers.every(({ ok }) => ok)).toBe(true);
  expect(mostAtOnce).toBe(atOnceMax);
});

/** Whether the command reads a page of a channel's events, oldest first. */
function isPage(command: CommandStartedEvent["command"]): boolean {
  return command.find === "events" && command.sort?.get?.("seq") === 1 && command.maxTimeMS !== undefined;
}
