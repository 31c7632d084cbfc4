import { expect, onTestFinished, test } from "vitest";
import { pollWithoutLink } from "#functions/console/polling.ts";
import type { Link } from "#functions/console/state.ts";
import { createStore } from "#functions/console/store.ts";
import { eventually } from "#test/support/eventually.ts";
import { channel, channelId } from "./channel.fixture.ts";

/** A page with one channel, and the channels it polled. */
function page(link: Link, answer: () => Promise<void> = async () => {}) {
  const store = createStore();
  const list = { channels: [channel()], nextCursor: null };
  store.dispatch({ type: "listed", list, isMore: false });
  store.dispatch({ type: "link", link });
  const open = { channelId: channelId as string | null };
  const polls: string[] = [];
  const poll = (id: string) => {
    polls.push(id);
    return answer();
  };
  onTestFinished(pollWithoutLink(store, () => open.channelId, poll, 1));
  return { store, open, polls };
}

/** Waits long enough for any page to have polled. */
async function severalPolls(): Promise<void> {
  const { polls } = page("missing");
  await eventually(() => polls.length >= 5);
}

test.each(["connecting", "missing", "reconnecting"] as const)(
  "the open channel is polled repeatedly while the link is %s",
  async (link) => {
    const { polls } = page(link);
    await eventually(() => polls.length >= 2);
    expect(new Set(polls)).toEqual(new Set([channelId]));
  },
);

test("nothing is polled while the link is live, without an open channel, or when signed out", async () => {
  const live = page("live");
  const closed = page("missing");
  closed.open.channelId = null;
  const foreign = page("missing");
  foreign.open.channelId = "unknown";
  const out = page("missing");
  out.store.dispatch({ type: "signed_out" });
  await severalPolls();
  expect([live, closed, foreign, out].map(({ polls }) => polls)).toEqual([[], [], [], []]);
});

test("a failed poll means that the page is not current", async () => {
  const { store } = page("missing", () => Promise.reject(new Error("no")));
  await eventually(() => !store.state.isCurrent);
});

test("a slow poll is not joined by another, and a failed one is followed by the next", async () => {
  const endless = page("missing", () => new Promise(() => {}));
  const failing = page("missing", () => Promise.reject(new Error("no")));
  await severalPolls();
  expect(endless.polls).toHaveLength(1);
  await eventually(() => failing.polls.length >= 2);
});
