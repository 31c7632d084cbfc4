import { expect, test } from "vitest";
import {
  acceptedIn,
  channelIn,
  channelListIn,
  codeIn,
  commandIn,
  controlIn,
  infoIn,
  qrIn,
} from "#functions/console/answers.ts";
import { channelStatuses } from "#shared/channel.ts";
import { commandStates } from "#shared/commands.ts";
import { messageStatusRank } from "#shared/events.ts";
import { channel } from "./channel.fixture.ts";

const broken = [
  null,
  "<h1>Bad gateway</h1>",
  [],
  {},
  { payload: null },
  { payload: "text" },
  { payload: {} },
];
const unexpected = expect.objectContaining({ code: "unexpected_answer" });

test("a channel is read in every status, and unknown fields are dropped", () => {
  for (const status of channelStatuses)
    expect(channelIn({ ...channel({ status }), metadata: {} })).toEqual(channel({ status }));
});

test("an unknown reason is kept for display", () => {
  expect(channelIn({ ...channel(), reason: "made_up" }).reason).toBe("made_up");
});

test.each([
  ["a list", channelListIn],
  ["an accepted message", acceptedIn],
  ["a command", commandIn],
  ["a QR", (body: unknown) => qrIn(body, "/qr")],
])("a malformed body instead of %s throws `unexpected_answer`", (_name, read) => {
  for (const body of broken) expect(() => read(body)).toThrow(unexpected);
});

test.each([{ channelId: 7 }, { name: null }, { status: "made_up" }, { status: "toString" }])(
  "a channel with %o throws `unexpected_answer`",
  (change) => {
    expect(() => channelIn({ ...channel(), ...change })).toThrow(unexpected);
  },
);

test("a command is read in every state, with its error if it has one", () => {
  for (const state of commandStates)
    expect(commandIn({ payload: { state } })).toEqual({ state, error: null });
  const error = { code: "expired", message: "Too late" };
  expect(commandIn({ payload: { state: "expired", error } }).error).toEqual(error);
  expect(() => commandIn({ payload: { state: "valueOf" } })).toThrow(unexpected);
});

test("an accepted message is read in every status, with or without a command id", () => {
  for (const status of Object.keys(messageStatusRank))
    expect(acceptedIn({ payload: { messageId: "m", status } })).toEqual({
      messageId: "m",
      status,
      commandId: null,
    });
});

test("a 202 to a control call is `stored` if the server did not wait, else `running` while it is queued", () => {
  const waited = { status: 202, isPreferenceApplied: true };
  const body = { payload: { status: "queued" } };
  for (const other of broken) expect(controlIn({ ...waited, body: other })).toBe("done");
  expect(controlIn({ ...waited, body })).toBe("running");
  expect(controlIn({ ...waited, body, isPreferenceApplied: false })).toBe("stored");
  expect(controlIn({ status: 200, body: {}, isPreferenceApplied: false })).toBe("done");
});

test("a pairing code is read, and is null if the response has none", () => {
  const payload = { channelId: "c", code: "ABCD1234", expiresAt: "2026-01-01T00:00:00Z" };
  expect(codeIn({ payload })).toEqual({
    kind: "code",
    code: "ABCD1234",
    expiresAt: "2026-01-01T00:00:00Z",
  });
  for (const body of broken) expect(codeIn(body)).toBeNull();
});

test("each QR attempt has its own image URL", () => {
  const payload = { qr: "2@…", attempt: 2, of: 6, expiresAt: "2026-01-01T00:00:00Z" };
  expect(qrIn({ payload }, "/qr")).toEqual({
    kind: "qr",
    qrCode: "/qr?attempt=2",
    attempt: 2,
    of: 6,
    expiresAt: "2026-01-01T00:00:00Z",
  });
});

test("the server's information may be empty", () => {
  for (const body of broken) expect(infoIn(body)).toEqual({ version: null, sandboxUrl: null });
});
