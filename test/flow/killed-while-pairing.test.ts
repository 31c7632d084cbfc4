import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { eventually } from "../support/eventually.ts";
import { newChannel, type TestChannel } from "../support/pairing.ts";
import { type ConnectorProcess, startSystem } from "../support/system.ts";
import { type TemporaryFolder, temporaryFolder } from "../support/temporary-folder.ts";
import { arm } from "./killed-receiver.fixture.ts";

const diesAt = new URL("./dies-at.child.ts", import.meta.url);
const backoff = { baseMs: 50, maxMs: 100 };

/** The tests run in order: each kills the connector that the one before it left running. */
let system: Awaited<ReturnType<typeof startConnectors>>;
let connector: ConnectorProcess;
let folder: TemporaryFolder;

const startConnectors = () => startSystem({ processes: "connectors", timings: { backoff } });
const pointFile = () => join(folder.path, "point");

beforeAll(async () => {
  folder = await temporaryFolder();
  system = await startConnectors();
  await startNext();
});

afterAll(async () => {
  await system?.[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

/** Starts the next connector under the name of the last one. */
async function startNext(): Promise<void> {
  connector = await system.start("killed", { DIES_AT_FILE: pointFile() }, diesAt);
}

/** Begins to link a channel, whose connector is killed at `point`. Resolves once the connector is dead. */
async function killedWhilePairing(phoneNumber: string, point: "scanned" | "linked") {
  await arm(connector, pointFile(), point);
  const channel = await newChannel(system, phoneNumber);
  await connect(channel);
  const { pairing } = await channel.becomes("qr_ready");
  const scan = await channel.phone.scan(pairing?.text ?? "").then(
    () => "linked",
    () => "refused",
  );
  expect(await connector.ended).toBeNull();
  return { channel, scan };
}

const connect = ({ channelId }: TestChannel) => system.api().post(`/channels/${channelId}/connect`);

const credentials = ({ channelId }: TestChannel) =>
  system.database.db.collection("whatsapp_auth_creds").countDocuments({ channelId });

test("a connector killed before it stored its keys has not confirmed the link: the phone shows no device", {
  timeout: 180_000,
}, async () => {
  const { channel, scan } = await killedWhilePairing("15550100381", "scanned");
  expect([scan, channel.phone.devices(), await credentials(channel)]).toEqual(["refused", [], 0]);
  await startNext();
  await channel.becomes("inactive", "interrupted");
});

test("a connector killed after it stored its keys and before it confirmed the link leaves nothing that claims to be linked", {
  timeout: 180_000,
}, async () => {
  const { channel, scan } = await killedWhilePairing("15550100382", "linked");
  expect([scan, channel.phone.devices(), await credentials(channel)]).toEqual(["refused", [], 1]);
  await startNext();
  expect(await channel.becomes("error", "pairing_failed")).toMatchObject({ pairing: null });
  await eventually(async () => (await credentials(channel)) === 0);
  await connect(channel);
  const { pairing } = await channel.becomes("qr_ready");
  await channel.phone.scan(pairing?.text ?? "");
  await channel.becomes("active");
  expect(await credentials(channel)).toBe(1);
});
