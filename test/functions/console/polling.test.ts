import { expect, onTestFinished, test } from "vitest";
import { pollWithoutLink } from "#functions/console/polling.ts";
import type { Link } from "#functions/console/state.ts";
import { createStore } from "#functions/console/store.ts";
import { eventually } from "#test/support/eventually.ts";
import { channel, channelId } from "./channel.fixture.ts";

/** A page with one channel, and what was looked at. */
function page(link: Link, look: () => Promise<void> = async () => {}) {
  const store = createStore();
  const list = { channels: [channel()], nextCursor: null };
  store.dispatch({ type: "listed", list, isMore: false });
  store.dispatch({ type: "link", link });
  const open = { channelId: channelId as string | null };
  const looks: string[] = [];
  const lookAt = (id: string) => {
    looks.push(id);
    return look();
  };
  onTestFinished(pollWithoutLink(store, () => open.channelId, lookAt, 1));
  return { store, open, looks };
}

/** Long enough for the page to have looked, if it does. */
async function someLooks(): Promise<void> {
  const { looks } = page("missing");
  await eventually(() => looks.length >= 5);
}

test.each(["connecting", "missing", "reconnecting"] as const)(
  "while the link is %s the open channel is looked at, again and again",
  async (link) => {
    const { looks } = page(link);
    await eventually(() => looks.length >= 2);
    expect(new Set(looks)).toEqual(new Set([channelId]));
  },
);

test("while events come nothing is looked at, nor when no channel is open or nobody is signed in", async () => {
  const live = page("live");
  const closed = page("missing");
  closed.open.channelId = null;
  const foreign = page("missing");
  foreign.open.channelId = "of somebody else";
  const out = page("missing");
  out.store.dispatch({ type: "signed_out" });
  await someLooks();
  expect([live, closed, foreign, out].map(({ looks }) => looks)).toEqual([[], [], [], []]);
});

test("a look that takes long is not joined by another, one that fails is followed by the next", async () => {
  const endless = page("missing", () => new Promise(() => {}));
  const failing = page("missing", () => Promise.reject(new Error("no")));
  await someLooks();
  expect(endless.looks).toHaveLength(1);
  await eventually(() => failing.looks.length >= 2);
});
