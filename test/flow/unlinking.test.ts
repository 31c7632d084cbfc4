import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { hashSecret, newApiKey } from "#shared/api-key.ts";
import type { ApiKeyDocument } from "#shared/collections.ts";
import { Api } from "../support/api.ts";
import { cleanCounts } from "../support/clean-counts.ts";
import { eventually } from "../support/eventually.ts";
import { newChannel, pairedChannel, type TestChannel } from "../support/pairing.ts";
import { type OneProcess, startSystem } from "../support/system.ts";

let system: OneProcess;
const always = { times: 1_000 };

beforeAll(async () => {
  system = await startSystem({
    timings: {
      unlinkAnswerMs: 500,
      connectWatchdogMs: 2_000,
      sweepMs: 500,
      backoff: { baseMs: 50, maxMs: 200 },
    },
  });
});

afterEach(() => system.sandbox.faults.clear());

afterAll(async () => {
  await system[Symbol.asyncDispose]();
  expect(system.sandbox.counts.snapshot()).toMatchObject(cleanCounts);
});

let nextNumber = 15550140001;
const paired = () => pairedChannel(system, String(nextNumber++));
const soon = { Prefer: "wait=1" };
const logout = ({ channelId }: TestChannel, headers = {}) =>
  system.api().post(`/channels/${channelId}/logout`, {}, headers);
const remove = ({ channelId }: TestChannel, headers = {}) =>
  system.api().call("DELETE", `/channels/${channelId}`, undefined, headers);
const commandAt = async (location: string | null, api = system.api()) =>
  api.get((location ?? "").replace("/api/whatsapp", ""));

/** The rows of the channel in a collection, without its fence. */
const rows = ({ channelId }: TestChannel, name: string) =>
  system.database.db
    .collection<{ _id: string; type?: string }>(name)
    .find({ channelId, _id: { $not: /\/fence$/ } })
    .toArray();
const credentials = async (channel: TestChannel) => (await rows(channel, "whatsapp_auth_creds")).length;

describe("a logout", () => {
  test("that WhatsApp does not answer is 202 after 5 s, keeps the credentials, and is repeated until it is confirmed", async () => {
    const channel = await paired();
    system.sandbox.faults.ignoreQuery("md", always);
    const asked = performance.now();
    const { status, headers } = await logout(channel);
    expect(status).toBe(202);
    expect(performance.now() - asked).toBeGreaterThan(4_900);
    expect(performance.now() - asked).toBeLessThan(9_000);
    expect([channel.phone.devices().length, await credentials(channel)]).toEqual([1, 1]);
    const { body } = await system.api().get(`/channels/${channel.channelId}/status`);
    expect(body.payload).toMatchObject({ status: "connecting", reason: "unlinking" });
    system.sandbox.faults.clear();
    await channel.becomes("logged_out", "unlinked_by_api");
    expect([channel.phone.devices().length, await credentials(channel)]).toEqual([0, 0]);
    await eventually(async () => {
      const { state, result } = (await commandAt(headers.get("location"))).body.payload;
      expect({ state, result }).toEqual({ state: "succeeded", result: { status: "logged_out" } });
      return true;
    });
  });

  test("that WhatsApp refuses is no confirmation, and is repeated", async () => {
    const channel = await paired();
    system.sandbox.faults.refuseQuery("md", 406, always);
    expect((await logout(channel, soon)).status).toBe(202);
    expect([channel.phone.devices().length, await credentials(channel)]).toEqual([1, 1]);
    await channel.becomes("connecting", "unlinking");
    system.sandbox.faults.clear();
    await channel.becomes("logged_out", "unlinked_by_api");
    expect(channel.phone.devices()).toEqual([]);
  });

  test("on a silent connection is continued by the next process", async () => {
    const channel = await paired();
    system.sandbox.faults.silence(channel.phone.phoneNumber, true);
    expect((await logout(channel, soon)).status).toBe(202);
    await system.stop();
    expect(await credentials(channel)).toBe(1);
    await system.start();
    await channel.becomes("connecting", "unlinking");
    system.sandbox.faults.clear();
    await channel.becomes("logged_out", "unlinked_by_api");
    expect([channel.phone.devices().length, await credentials(channel)]).toEqual([0, 0]);
  });

  test("whose answer is lost is confirmed by the refusal of the next login", async () => {
    const channel = await paired();
    system.sandbox.faults.ignoreQuery("md", always);
    expect((await logout(channel, soon)).status).toBe(202);
    await channel.phone.unlink();
    await channel.becomes("logged_out", "unlinked_by_api");
    expect(await credentials(channel)).toBe(0);
  });

  test("survives a ban, a replacement and an error 401: none of them proves that the device is gone", async () => {
    const channel = await paired();
    const { phoneNumber } = channel.phone;
    system.sandbox.faults.ignoreQuery("md", always);
    expect((await logout(channel, soon)).status).toBe(202);
    system.sandbox.faults.failLogin(phoneNumber, 403);
    const { retryAt } = await eventually(async () => {
      const found = await channel.document();
      return found.lastDisconnect?.reason === "banned" && found;
    });
    expect(retryAt?.getTime()).toBeGreaterThan(Date.now() + 30 * 60_000);
    expect(await credentials(channel)).toBe(1);
    system.sandbox.faults.clear();
    // A person does not have to wait for it.
    await system.api().post(`/channels/${channel.channelId}/connect`);
    await channel.becomes("logged_out", "unlinked_by_api");
    expect(channel.phone.devices()).toEqual([]);
  });

  test("is 200 when WhatsApp answers on a second connection in time", async () => {
    const channel = await paired();
    system.sandbox.faults.ignoreQuery("md");
    expect(await logout(channel, { Prefer: "wait=20" })).toMatchObject({
      status: 200,
      body: { status: "logged_out" },
    });
    expect(channel.phone.devices()).toEqual([]);
  });
});

describe("a delete", () => {
  const keyed = async (fields: Partial<ApiKeyDocument>) => {
    const key = newApiKey();
    await system.collections.apiKeys.insertOne({
      ...{ _id: `key-${key}`, name: "Key", hash: hashSecret(key), scopes: [], channels: null },
      ...{ createdAt: new Date(), expiresAt: null, revokedAt: null },
      ...fields,
    });
    return new Api(system.url, key);
  };

  test("that WhatsApp does not answer keeps the credentials alone, and its command stays readable", async () => {
    const channel = await paired();
    const { channelId } = channel;
    await system.api().post(`/channels/${channelId}/send`, { to: "15550149999", message: "Hello" });
    const maker = await keyed({ scopes: ["channels:write", "messages:read"] });
    const other = await keyed({ scopes: ["channels:write", "messages:read"] });
    system.sandbox.faults.ignoreQuery("md", always);
    const { status, headers } = await maker.call("DELETE", `/channels/${channelId}`);
    const location = headers.get("location");
    expect([status, location]).toEqual([202, expect.stringContaining("/api/whatsapp/commands/")]);
    expect((await system.api().get(`/channels/${channelId}`)).status).toBe(404);
    expect((await system.api().post(`/channels/${channelId}/connect`)).status).toBe(404);
    expect([channel.phone.devices().length, await credentials(channel)]).toEqual([1, 1]);
    for (const name of ["messages", "events"]) expect(await rows(channel, name), name).toEqual([]);
    expect((await rows(channel, "commands")).map(({ type }) => type)).toEqual(["channel.delete"]);
    const { name, metadata, config, givenNumber, lid, deletedAt } = await channel.document();
    expect({ name, metadata, config, givenNumber, lid, deletedAt }).toEqual({
      ...{ name: "", metadata: {}, givenNumber: null, lid: null, deletedAt: expect.any(Date) },
      config: { phoneNumber: null, qrCode: null, pairingCode: null },
    });
    for (const api of [maker, system.api()]) {
      expect((await commandAt(location, api)).body.payload.state).toMatch(/queued|running/);
    }
    expect((await commandAt(location, other)).status).toBe(404);
    system.sandbox.faults.clear();
    await eventually(async () => (await commandAt(location, maker)).body.payload.state === "succeeded");
    expect([channel.phone.devices().length, await credentials(channel)]).toEqual([0, 0]);
    await eventually(async () => (await rows(channel, "channels")).length === 0);
    expect(await rows(channel, "events")).toEqual([]);
    for (const api of [maker, system.api()]) expect((await commandAt(location, api)).status).toBe(200);
    expect((await commandAt(location, other)).status).toBe(404);
  });

  test("is continued by the next process, which keeps nothing that arrives", async () => {
    const channel = await paired();
    system.sandbox.faults.silence(channel.phone.phoneNumber, true);
    expect((await remove(channel, soon)).status).toBe(202);
    await system.stop();
    expect(await credentials(channel)).toBe(1);
    await system.sandbox.account("15550149998").sendText(channel.phone.phoneNumber, "For nobody");
    await system.start();
    await eventually(async () => (await channel.document()).unlink?.cause === "deletion");
    system.sandbox.faults.clear();
    await eventually(() => channel.phone.devices().length === 0);
    await eventually(async () => (await rows(channel, "channels")).length === 0);
    expect(await credentials(channel)).toBe(0);
    for (const name of ["messages", "events", "whatsapp_auth_keys"])
      expect(await rows(channel, name), name).toEqual([]);
  });

  test("of a channel that is logging out takes the unlinking over", async () => {
    const channel = await paired();
    system.sandbox.faults.ignoreQuery("md", always);
    expect((await logout(channel, soon)).status).toBe(202);
    const { headers } = await remove(channel, soon);
    await eventually(async () => (await channel.document()).unlink?.cause === "deletion");
    system.sandbox.faults.clear();
    await eventually(
      async () => (await commandAt(headers.get("location"))).body.payload.state === "succeeded",
    );
    expect(channel.phone.devices()).toEqual([]);
  });
});

test("a wrong account's credentials stay until WhatsApp has confirmed that its device is gone", async () => {
  const [own, wrong] = [String(nextNumber++), String(nextNumber++)];
  const channel = await newChannel(system, own, { phoneNumber: own });
  const wrongPhone = system.sandbox.account(wrong);
  await system.api().post(`/channels/${channel.channelId}/connect`);
  const { pairing } = await channel.becomes("qr_ready");
  system.sandbox.faults.ignoreQuery("md", always);
  await wrongPhone.scan(pairing?.text ?? "");
  const { wanted } = await channel.becomes("connecting", "unlinking");
  expect([wanted, wrongPhone.devices().length, await credentials(channel)]).toEqual(["disconnected", 1, 1]);
  await system.stop();
  await system.start();
  await channel.becomes("connecting", "unlinking");
  expect([wrongPhone.devices().length, await credentials(channel)]).toEqual([1, 1]);
  system.sandbox.faults.clear();
  await channel.becomes("error", "wrong_number");
  expect([wrongPhone.devices().length, await credentials(channel)]).toEqual([0, 0]);
  const { config } = await channel.document();
  expect(config.phoneNumber).toBe(own);
});
