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

/** A way in which a connection ends, and its effect on the channel. */
interface Row {
  /** A noun phrase that names the cause. */
  cause: string;
  /** `of` is the channel's phone number. */
  act(faults: Faults, of: string): void;
  /** The status that is published first. */
  status: ChannelDocument["status"];
  reason: StatusReason | null;
  /** The reason and code in `lastDisconnect`. */
  end: [reason: string, code: number | null];
  /** Milliseconds until the next attempt or the end of a ban: exactly, at most, or never. */
  retry: number | { withinMs: number } | null;
  credentials: "kept" | "erased";
  /** Whether the channel should be connected afterwards. */
  wanted: ChannelDocument["wanted"];
}

const soon = { withinMs: backoff.maxMs };
const retried = { status: "connecting", credentials: "kept", wanted: "connected", retry: soon } as const;
const stopped = { status: "error", credentials: "kept", wanted: "disconnected", retry: null } as const;
const loggedOut = { ...stopped, status: "logged_out", credentials: "erased" } as const;

/** Cuts the connection and refuses the next login with this code. */
const refuseLogin = (code: number, attributes?: Record<string, string>): Row["act"] => {
  return (faults, of) => {
    faults.failLogin(of, code, attributes ? { attributes } : {});
    faults.drop(of);
  };
};

/** Cuts the connection and refuses the next upgrade with this HTTP status. */
const refuseUpgrade = (status: number, retryAfterSeconds?: number): Row["act"] => {
  return (faults, of) => {
    faults.refuseUpgrade({ status, times: 1, ...(retryAfterSeconds ? { retryAfterSeconds } : {}) });
    faults.drop(of);
  };
};

/** Every way in which a linked channel's connection can end; `pairing.test.ts` has those of a pairing. */
const rows: Row[] = [
  {
    ...retried,
    cause: "a restart request (515)",
    act: (faults, of) => faults.streamError(of, 515),
    reason: null,
    end: ["restart_required", 515],
    retry: null,
  },
  {
    ...loggedOut,
    cause: "a removed device (401 device_removed)",
    act: (faults, of) => faults.removeDevice(of),
    reason: "unlinked_by_phone",
    end: ["unlinked", 401],
  },
  {
    ...loggedOut,
    cause: "a login refused with 401",
    act: refuseLogin(401),
    reason: "unlinked_by_phone",
    end: ["unlinked", 401],
  },
  {
    ...retried,
    cause: "a stream error 401 that names no removed device",
    act: (faults, of) => faults.streamError(of, 401),
    reason: "connection_lost",
    end: ["connection_lost", 401],
  },
  {
    ...retried,
    cause: "a first takeover by another client (440)",
    act: (faults, of) => faults.replace(of),
    reason: "replaced",
    end: ["replaced", 440],
    retry: replacedPauseMs,
  },
  {
    ...retried,
    cause: "a cut connection (428)",
    act: (faults, of) => faults.drop(of),
    reason: "connection_lost",
    end: ["connection_lost", 428],
  },
  {
    ...retried,
    cause: "a connection that falls silent",
    act: (faults, of) => faults.silence(of, true),
    reason: "connection_lost",
    end: ["connection_lost", null],
  },
  {
    ...stopped,
    cause: "a ban for an hour (402)",
    act: refuseLogin(402, { expire: "3600" }),
    reason: "temporarily_banned",
    end: ["temporarily_banned", 402],
    retry: 3_600_000,
  },
  {
    ...stopped,
    cause: "a ban until the end of time (402)",
    act: refuseLogin(402, { expire: "1e300" }),
    reason: "temporarily_banned",
    end: ["temporarily_banned", 402],
    retry: 365 * 86_400_000,
  },
  {
    ...stopped,
    cause: "a ban without an end (402)",
    act: refuseLogin(402),
    reason: "temporarily_banned",
    end: ["temporarily_banned", 402],
  },
  ...([403, 406] as const).map((code) => ({
    ...stopped,
    cause: `a locked account (${code})`,
    act: refuseLogin(code),
    reason: "banned" as const,
    end: ["banned", code] as Row["end"],
  })),
  ...([405, 409, 415, 418] as const).map((code) => ({
    ...stopped,
    cause: `a refused client (${code})`,
    act: refuseLogin(code),
    reason: "client_outdated" as const,
    end: ["client_outdated", code] as Row["end"],
  })),
  {
    ...stopped,
    cause: "a phone unable to link devices (411)",
    act: refuseLogin(411),
    reason: "pairing_failed",
    end: ["pairing_failed", 411],
  },
  {
    ...retried,
    cause: "a refusal with 429 and Retry-After",
    act: refuseUpgrade(429, 2),
    reason: "rate_limited",
    end: ["rate_limited", 429],
    retry: 2_000,
  },
  {
    ...retried,
    cause: "a refusal with 429 and no Retry-After",
    act: refuseUpgrade(429),
    reason: "rate_limited",
    end: ["rate_limited", 429],
    retry: quarterHourMs,
  },
  ...([403, 500, 503] as const).map((status) => ({
    ...retried,
    cause: `an upgrade refused with ${status}`,
    act: refuseUpgrade(status),
    reason: "server_unavailable" as const,
    end: ["server_unavailable", 503] as Row["end"],
  })),
  ...([500, 501, 503] as const).map((code) => ({
    ...retried,
    cause: `a login refused with ${code}`,
    act: refuseLogin(code),
    reason: "server_unavailable" as const,
    end: ["server_unavailable", code] as Row["end"],
  })),
  ...([500, 503] as const).map((code) => ({
    ...retried,
    cause: `a stream error ${code}`,
    act: (faults: Faults, of: string) => faults.streamError(of, code),
    reason: "server_unavailable" as const,
    end: ["server_unavailable", code] as Row["end"],
  })),
  {
    ...retried,
    cause: "a login refused with an unknown code",
    act: refuseLogin(499),
    reason: "connection_lost",
    end: ["connection_lost", 499],
  },
];

const credentialsOf = ({ channelId }: TestChannel) =>
  system.database.db.collection("whatsapp_auth_creds").countDocuments({ channelId });

/** The first published update whose `lastDisconnect` has this reason and code. */
async function updateOf({ channelId }: TestChannel, [reason, code]: Row["end"]) {
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
let last: TestChannel | undefined;

/** The channel of the row before, connected again; a fresh one if that has lost its credentials. */
async function connectedChannel(): Promise<TestChannel> {
  if (last && (await credentialsOf(last)) > 0) {
    await system.api().post(`/channels/${last.channelId}/connect`);
    await last.becomes("active");
  } else last = await pairedChannel(system, String(nextNumber++));
  await publishes(last, (status) => status === "active");
  return last;
}

/** Waits until the status that the channel published last is such a one. */
function publishes({ channelId }: TestChannel, isAwaited: (status: unknown) => boolean) {
  const updates = { channelId, type: "connection_update" } as const;
  return eventually(async () => {
    const newest = await system.collections.events.findOne(updates, { sort: { seq: -1 } });
    return newest && isAwaited(newest.data.status);
  });
}

test.each(rows)("$cause makes the channel $status ($reason), credentials $credentials", async (row) => {
  const channel = await connectedChannel();
  const { channelId } = channel;
  // Updates of the rows before may have the same reason, and a pairing includes a 515 restart too.
  await system.collections.events.deleteMany({ channelId, type: "connection_update" });
  row.act(system.sandbox.faults, channel.phone.phoneNumber);
  const { status, reason, retryAt, lastDisconnect } = await eventually(() => updateOf(channel, row.end));
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
  await publishes(channel, (status) => status !== "active" && status !== "connecting");
});

test("a person's connect ends a wait at once", async () => {
  const phoneNumber = String(nextNumber++);
  const channel = await pairedChannel(system, phoneNumber);
  const connect = () => system.api().post(`/channels/${channel.channelId}/connect`);
  refuseUpgrade(429)(system.sandbox.faults, phoneNumber);
  const { retryAt } = await channel.becomes("connecting", "rate_limited");
  expect(retryAt?.getTime()).toBeGreaterThan(Date.now() + quarterHourMs - 60_000);
  expect(await connect()).toMatchObject({ status: 202, body: { status: "connecting" } });
  await channel.becomes("active");
  await system.api().post(`/channels/${channel.channelId}/disconnect`);
});
