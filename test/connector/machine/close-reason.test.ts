import { expect, test } from "vitest";
import { type CloseReason, type Closure, closeReason } from "#connector/machine/close-reason.ts";

const closure: Closure = {
  code: null,
  message: "",
  isReached: true,
  isLinked: true,
  isDeviceGone: false,
  hasLoggedIn: true,
  isLeaseMine: true,
  retryAfterMs: null,
};

/** The code, what else is known, and the reason. */
const rows: Array<[number | null, Partial<Closure>, CloseReason]> = [
  [515, {}, { kind: "restart_required" }],
  [515, { isLinked: false }, { kind: "restart_required" }],
  [401, { message: "Stream Errored (conflict)", isDeviceGone: true }, { kind: "unlinked" }],
  [401, { message: "Connection Failure", isDeviceGone: true }, { kind: "unlinked" }],
  [401, { message: "Connection Failure", isDeviceGone: true, hasLoggedIn: false }, { kind: "link_refused" }],
  [401, { message: "Stream Errored (unknown)" }, { kind: "connection_lost" }],
  [401, { message: "WebSocket Error (401)", isReached: false }, { kind: "server_unavailable" }],
  [401, { isLinked: false }, { kind: "unpaired" }],
  [440, { message: "Stream Errored (conflict)" }, { kind: "replaced" }],
  [428, { message: "Connection Closed" }, { kind: "connection_lost" }],
  [408, { message: "QR refs attempts ended", isLinked: false }, { kind: "qr_expired" }],
  [408, { message: "Connection was lost" }, { kind: "connection_lost" }],
  [408, { message: "WebSocket Error (connect ETIMEDOUT)" }, { kind: "connection_lost" }],
  [411, {}, { kind: "pairing_failed" }],
  [402, { retryAfterMs: 3_600_000 }, { kind: "temporarily_banned", forMs: 3_600_000 }],
  [402, {}, { kind: "temporarily_banned", forMs: null }],
  [402, { retryAfterMs: 1e300 }, { kind: "temporarily_banned", forMs: 365 * 86_400_000 }],
  [402, { retryAfterMs: Number.POSITIVE_INFINITY }, { kind: "temporarily_banned", forMs: 365 * 86_400_000 }],
  [403, {}, { kind: "banned" }],
  [406, {}, { kind: "banned" }],
  [405, {}, { kind: "client_outdated" }],
  [409, {}, { kind: "client_outdated" }],
  [415, {}, { kind: "client_outdated" }],
  [418, {}, { kind: "client_outdated" }],
  [429, { retryAfterMs: 30_000 }, { kind: "rate_limited", retryAfterMs: 30_000 }],
  [429, {}, { kind: "rate_limited", retryAfterMs: 900_000 }],
  [429, { retryAfterMs: Number.POSITIVE_INFINITY }, { kind: "rate_limited", retryAfterMs: 86_400_000 }],
  [500, {}, { kind: "server_unavailable" }],
  [501, {}, { kind: "server_unavailable" }],
  [503, {}, { kind: "server_unavailable" }],
  [null, { message: "silence" }, { kind: "connection_lost" }],
  [599, {}, { kind: "connection_lost" }],
  [
    408,
    { message: "WebSocket Error (getaddrinfo ENOTFOUND)", isReached: false },
    { kind: "server_unavailable" },
  ],
  [null, { isReached: false }, { kind: "server_unavailable" }],
];

test.each(rows)("%s with %o", (code, known, reason) => {
  expect(closeReason({ ...closure, code, ...known })).toEqual(reason);
});

test("once the lease is lost, every code means `lease_lost`", () => {
  for (const [code, known] of rows) {
    expect(closeReason({ ...closure, code, ...known, isLeaseMine: false })).toEqual({ kind: "lease_lost" });
  }
});

test("no unknown code ends a link or a wish", () => {
  const ending = new Set([
    "unlinked",
    "unpaired",
    "banned",
    "client_outdated",
    "pairing_failed",
    "qr_expired",
  ]);
  const understood = new Set(rows.map(([code]) => code));
  for (let code = 0; code < 1_000; code++) {
    if (understood.has(code)) continue;
    expect(ending).not.toContain(closeReason({ ...closure, code }).kind);
  }
});
