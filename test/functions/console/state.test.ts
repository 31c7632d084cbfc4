import { expect, test } from "vitest";
import { RequestError } from "#functions/console/request-error.ts";
import { type Action, initialState, reduce, type State } from "#functions/console/state.ts";
import { channel, channelId, ownMessage } from "./channel.fixture.ts";

function after(...actions: Action[]): State {
  return actions.reduce(reduce, initialState);
}

function listed(...ids: string[]): Action {
  return {
    type: "listed",
    list: { channels: ids.map((id) => channel({ channelId: id })), nextCursor: null },
    isMore: false,
  };
}

const ids = (state: State) => state.channels.map((it) => it.channelId);

test("a loaded list means that the user is signed in", () => {
  expect(after(listed("a", "b"))).toMatchObject({ session: "signed_in", listing: "loaded" });
});

test("a fresh list replaces the old one but keeps the entries of channels that remain", () => {
  const state = after(
    listed("a", "b"),
    { type: "sent", channelId: "b", message: ownMessage("m1") },
    listed("b", "c"),
  );
  expect(ids(state)).toEqual(["b", "c"]);
  expect(state.channels[0]?.entries).toHaveLength(1);
});

test("more channels are appended, none twice", () => {
  const more: Action = {
    type: "listed",
    list: { channels: [channel({ channelId: "b" }), channel({ channelId: "c" })], nextCursor: "next" },
    isMore: true,
  };
  const state = after(listed("a", "b"), more);
  expect(ids(state)).toEqual(["a", "b", "c"]);
  expect(state.nextCursor).toBe("next");
});

test("a new channel comes first, and a removed one disappears", () => {
  const created = after(listed("a"), { type: "channel", channel: channel({ channelId: "new" }) });
  expect(ids(created)).toEqual(["new", "a"]);
  expect(ids(reduce(created, { type: "removed", channelId: "new" }))).toEqual(["a"]);
});

test("a refresh overrides the status only while there are no live events", () => {
  const active: Action = {
    type: "event",
    event: { name: "connection_update", data: { channelId, status: "active" } },
    now: 0,
  };
  const old: Action = { type: "channel", channel: channel({ status: "connecting" }) };
  const live = after(listed(channelId), { type: "link", link: "live" }, active, old);
  expect(live.channels[0]?.status).toBe("active");
  const apart = after(listed(channelId), active, { type: "link", link: "reconnecting" }, old);
  expect(apart.channels[0]?.status).toBe("connecting");
});

test("an event of an unknown channel changes nothing", () => {
  const state = after(listed("a"));
  const event = { name: "connection_update", data: { channelId: "b", status: "active" } } as const;
  expect(reduce(state, { type: "event", event, now: 0 }).channels).toEqual(state.channels);
});

test("a stored command is marked until the channel's status changes", () => {
  const stored = after(listed(channelId), { type: "requested", channelId, control: "stored" });
  expect(stored.channels[0]?.request).toBe("stored");
  const event = { name: "connection_update", data: { channelId, status: "inactive" } } as const;
  expect(reduce(stored, { type: "event", event, now: 0 }).channels[0]?.request).toBe("done");
});

test("a page is current while it hears of changes, by events or by polling", () => {
  const steps: [Action, boolean][] = [
    [listed(channelId), true],
    [{ type: "link", link: "missing" }, true],
    [{ type: "poll_failed" }, false],
    [{ type: "channel", channel: channel() }, true],
    [{ type: "link", link: "live" }, true],
    [{ type: "link", link: "offline" }, false],
    [{ type: "link", link: "reconnecting" }, false],
    [{ type: "channel", channel: channel() }, true],
    [{ type: "link", link: "reconnecting" }, false],
    [{ type: "link", link: "live" }, true],
  ];
  let state = initialState;
  for (const [action, isCurrent] of steps) {
    state = reduce(state, action);
    expect(state.isCurrent, JSON.stringify(action)).toBe(isCurrent);
  }
});

test("signing out clears the state", () => {
  expect(after(listed("a"), { type: "signed_out" })).toEqual({ ...initialState, session: "signed_out" });
});

test("the end of a session is explained, but not to a page that was never signed in", () => {
  expect(after(listed("a"), { type: "unauthorized" })).toMatchObject({
    session: "signed_out",
    channels: [],
    sessionEnd: expect.stringContaining("ended"),
  });
  expect(after({ type: "unauthorized" })).toMatchObject({ session: "signed_out", sessionEnd: null });
});

test("a wrong key keeps the explanation", () => {
  expect(after(listed("a"), { type: "unauthorized" }, { type: "unauthorized" }).sessionEnd).toMatch(/ended/);
});

test("a list that fails with 403 still signs in; any other failure leaves the session unknown", () => {
  const error = (status: number) => new RequestError("code", "message", { status });
  expect(after({ type: "listing_failed", error: error(503) }).session).toBe("unknown");
  expect(after({ type: "listing_failed", error: error(403) }).session).toBe("signed_in");
});

test("a change of the link clears its problem", () => {
  const problem = { code: "rate_limited", message: "Too many" };
  const troubled = after({ type: "link_problem", problem });
  expect(troubled.linkProblem).toEqual(problem);
  expect(reduce(troubled, { type: "link", link: "live" }).linkProblem).toBeNull();
});
