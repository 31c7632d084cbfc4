import { expect, test } from "vitest";
import { closureOf } from "#connector/connection/baileys-error.ts";

const boom = (message: string, statusCode: number, data?: object) =>
  Object.assign(new Error(message), { output: { statusCode }, data });

/** The error with which Baileys ends a socket, and whether WhatsApp has said that the device is gone. */
const errors: Array<[string, Error, boolean]> = [
  [
    "a stream error `device_removed`",
    boom("Stream Errored (conflict)", 401, { tag: "conflict", attrs: { type: "device_removed" } }),
    true,
  ],
  ["a refused login", boom("Connection Failure", 401, { reason: "401", location: "lla" }), true],
  [
    "a bare stream error 401",
    boom("Stream Errored (unknown)", 401, { tag: "stream:error", attrs: {} }),
    false,
  ],
  [
    "a stream error 401 for another conflict",
    boom("Stream Errored (conflict)", 401, { tag: "conflict", attrs: { type: "replaced" } }),
    false,
  ],
  ["a refused upgrade", boom("WebSocket Error (Unexpected server response: 401)", 401), false],
  ["an error that is none of Baileys'", new Error("boom"), false],
];

test.each(errors)("%s says whether the device is gone", (_, error, isDeviceGone) => {
  expect(closureOf(error).isDeviceGone).toBe(isDeviceGone);
});

test("a ban's end is read as a positive duration, or not at all", () => {
  const lasting = (expire: unknown) => closureOf(boom("Connection Failure", 402, { expire })).retryAfterMs;
  expect(["3600", "0.5", "1e300"].map(lasting)).toEqual([3_600_000, 500, 1e303]);
  expect(["", "0", "-5", "soon", "NaN", undefined, {}].map(lasting)).toEqual(Array(7).fill(null));
});
