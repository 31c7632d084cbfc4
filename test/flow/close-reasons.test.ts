import { afterAll, beforeAll, expect, test } from "vitest";
import type { StatusReason } from "#shared/channel.ts";
import type { ChannelDocument } from "#shared/collections.ts";
import type { LastDisconnect } from "#shared/events.ts";
import { cleanCounts } from "../support/clean-counts.ts";
import { eventually } from "../support/eventually.ts";
import { pairedChannel, type TestChannel } from "../support/pairing.ts";
import { type OneProcess, startSystem } from "../support/system.ts";

let system: OneProcess;

const backoff = { baseMs: 50, maxMs: 200 };
const replacedPauseMs = 300;
const quarterHourMs = 15 * 60_000;

beforeAll(async () => {
  system = await startSystem({
    timings: { backoff, replacedPauseMs, probeQuietMs: 1_000, probeMs: 500, connectWatchdogMs: 3_000 },
  });
});

afterAll(async () => {
  await system[Symbol.asyncDispose]();
  expect(system.sandbox.counts.snapshot()).toMatchObject(cleanCounts);
});

type Faults = OneProcess["sandbox"]["faults"];

/** One way for a connection to end, and what becomes of its channel. */
interface Row {
  when: string;
  /** `of` is the channel's phone number. */
  act(faults: Faults, of: string): void;
  /** What is told first. */
  status: ChannelDocument["status"];
  reason: StatusReason | null;
  /** What the end is called in `lastDisconnect`, and its number. */
  end: [reason: string, code: number | null];
  /** Ms until the next attempt, or the end of a ban: exactly, at most, or never. */
  retry: number | { withinMs: number } | null;
  credentials: "kept" | "erased";
  /** Whether it is to be connected all the same. */
  wanted: ChannelDocument["wanted"];
}

const soon = { withinMs: backoff.maxMs };
const mended = { status: "connecting", credentials: "kept", wanted: "connected", retry: soon } as const;
const stopped = { status: "error", credentials: "kept", wanted: "disconnected", retry: null } as const;
const loggedOut = { ...stopped, status: "logged_out", credentials: "erased" } as const;

/** A login that fails with this code, after the connection was cut. */
const refused = (code: number, attributes?: Record<string, string>): Row["act"] => {
  return (faults, of) => {
    faults.failLogin(of, code, attributes ? { attributes } : {});
    faults.drop(of);
  };
};

const unreachable = (status: number, retryAfterSeconds?: number): Row["act"] => {
  return (faults, of) => {
    faults.refuseUpgrade({ status, times: 1, ...(retryAfterSeconds ? { retryAfterSeconds } : {}) });
    faults.drop(of);
  };
};

/** Every end that a linked channel's connection can have; those of a pairing are in `pairing.test.ts`. */
const rows: Row[] = [
  {
    ...mended,
    when: "515: a restart is asked for",
    act: (faults, of) => faults.streamError(of, 515),
    reason: null,
    end: ["restart_required", 515],
    retry: null,
  },
  {
    ...loggedOut,
    when: "401 device_removed: the phone removed it",
    act: (faults, of) => faults.removeDevice(of),
    reason: "unlinked_by_phone",
    end: ["unlinked", 401],
  },
  {
    ...loggedOut,
    when: "401 at the login",
    act: refused(401),
    reason: "unlinked_by_phone",
    end: ["unlinked", 401],
  },
  {
    ...mended,
    when: "440: another client took over, once",
    act: (faults, of) => faults.replace(of),
    reason: "replaced",
    end: ["replaced", 440],
    retry: replacedPauseMs,
  },
  {
    ...mended,
    when: "428: the connection is cut",
    act: (faults, of) => faults.drop(of),
    reason: "connection_lost",
    end: ["connection_lost", 428],
  },
  {
    ...mended,
    when: "the connection says nothing any more",
    act: (faults, of) => faults.silence(of, true),
    reason: "connection_lost",
    end: ["connection_lost", null],
  },
  {
    ...stopped,
    when: "402: a ban for an hour",
    act: refused(402, { expire: "3600" }),
    reason: "temporarily_banned",
    end: ["temporarily_banned", 402],
    retry: 3_600_000,
  },
  {
    ...stopped,
    when: "402: a ban without an end",
    act: refused(402),
    reason: "temporarily_banned",
    end: ["temporarily_banned", 402],
  },
  ...([403, 406] as const).map((code) => ({
    ...stopped,
    when: `${code}: the account is locked`,
    act: refused(code),
    reason: "banned" as const,
    end: ["banned", code] as Row["end"],
  })),
  ...([405, 409, 415, 418] as const).map((code) => ({
    ...stopped,
    when: `${code}: this client is refused`,
    act: refused(code),
    reason: "client_outdated" as const,
    end: ["client_outdated", code] as Row["end"],
  })),
  {
    ...stopped,
    when: "411: the phone cannot have linked devices",
    act: refused(411),
    reason: "pairing_failed",
    end: ["pairing_failed", 411],
  },
  {
    ...mended,
    when: "429 with Retry-After",
    act: unreachable(429, 2),
    reason: "rate_limited",
    end: ["rate_limited", 429],
    retry: 2_000,
  },
  {
    ...mended,
    when: "429 without Retry-After",
    act: unreachable(429),
    reason: "rate_limited",
    end: ["rate_limited", 429],
    retry: quarterHourMs,
  },
  ...([403, 500, 503] as const).map((status) => ({
    ...mended,
    when: `the upgrade is refused with ${status}`,
    act: unreachable(status),
    reason: "server_unavailable" as const,
    end: ["server_unavailable", 503] as Row["end"],
  })),
  ...([500, 501, 503] as const).map((code) => ({
    ...mended,
    when: `${code} at the login`,
    act: refused(code),
    reason: "server_unavailable" as const,
    end: ["server_unavailable", code] as Row["end"],
  })),
  ...([500, 503] as const).map((code) => ({
    ...mended,
    when: `${code} in the middle of a stream`,
    act: (faults: Faults, of: string) => faults.streamError(of, code),
    reason: "server_unavailable" as const,
    end: ["server_unavailable", code] as Row["end"],
  })),
  {
    ...mended,
    when: "a number that nobody knows",
    act: refused(499),
    reason: "connection_lost",
    end: ["connection_lost", 499],
  },
];

const credentialsOf = ({ channelId }: TestChannel) =>
  system.database.db.collection("whatsapp_auth_creds").countDocuments({ channelId });

/** What was told of the end with this name and number, the first time. */
async function toldOf({ channelId }: TestChannel, [reason, code]: Row["end"]) {
  const found = await system.collections.events.findOne(
    {
      channelId,
      type: "connection_update",
      "data.lastDisconnect.reason": reason,
      "data.lastDisconnect.code": code,
    },
    { sort: { seq: 1 } },
  );
  return found?.data;
}

let nextNumber = 15550110400;

test.each(rows)("$when: $status $reason, credentials $credentials", async (row) => {
  const phoneNumber = String(nextNumber++);
  const channel = await pairedChannel(system, phoneNumber);
  const { channelId } = channel;
  // The restart that belongs to pairing looks like any other; that it is over is told after it is written.
  await eventually(() => system.collections.events.findOne({ channelId, "data.status": "active" }));
  await system.collections.events.deleteMany({ channelId, "data.lastDisconnect.code": 515 });
  row.act(system.sandbox.faults, phoneNumber);
  const { status, reason, retryAt, lastDisconnect } = await eventually(() => toldOf(channel, row.end), {
    withinMs: 20_000,
  });
  expect([status, reason ?? null]).toEqual([row.status, row.reason]);
  const waitMs =
    retryAt === undefined
      ? null
      : Date.parse(String(retryAt)) - Date.parse((lastDisconnect as LastDisconnect).at);
  if (row.retry !== null && typeof row.retry === "object") {
    expect(waitMs).not.toBeNull();
    expect(waitMs).toBeLessThanOrEqual(row.retry.withinMs);
  } else expect(waitMs).toBe(row.retry);
  system.sandbox.faults.clear();
  expect((await channel.document()).wanted).toBe(row.wanted);
  expect(await credentialsOf(channel)).toBe(row.credentials === "kept" ? 1 : 0);
  if (row.status === "connecting" && row.reason !== "rate_limited") await channel.becomes("active");
  await system.api().post(`/channels/${channelId}/disconnect`);
});
