import fc from "fast-check";
import { expect, test } from "vitest";
import { type Peer, preferredPeer } from "#connector/ownership/rendezvous.ts";

const peer = (name: string, capacity = 250, load = 0): Peer => ({
  id: `id of ${name}`,
  name,
  capacity,
  load,
});
const channels = Array.from({ length: 3_000 }, (_, index) => `channel-${index}`);
const shares = (peers: Peer[]) => {
  const count = new Map<string | undefined, number>();
  for (const channelId of channels) {
    const name = preferredPeer(channelId, peers)?.name;
    count.set(name, (count.get(name) ?? 0) + 1);
  }
  return count;
};

const anyPeers = fc.uniqueArray(
  fc.record({
    name: fc.string({ minLength: 1 }),
    capacity: fc.integer({ min: 1, max: 500 }),
    load: fc.integer({ min: 0, max: 500 }),
  }),
  { selector: ({ name }) => name, maxLength: 8 },
);
const withIds = (peers: Omit<Peer, "id">[]): Peer[] =>
  peers.map((one) => ({ ...one, id: `id of ${one.name}` }));

test("the preferred peer does not depend on the order of the peers", () => {
  fc.assert(
    fc.property(fc.string(), anyPeers, fc.nat(), (channelId, drawn, by) => {
      const peers = withIds(drawn);
      const at = peers.length && by % peers.length;
      const turned = [...peers.slice(at), ...peers.slice(0, at)];
      expect(preferredPeer(channelId, turned)).toEqual(preferredPeer(channelId, peers));
    }),
  );
});

test("full peers are skipped, and a peer is preferred as long as one has room", () => {
  fc.assert(
    fc.property(fc.string(), anyPeers, (channelId, drawn) => {
      const peers = withIds(drawn);
      const found = preferredPeer(channelId, peers);
      const hasRoom = peers.filter(({ load, capacity }) => load < capacity);
      expect(found === null).toBe(hasRoom.length === 0);
      if (found) expect(hasRoom).toContain(found);
    }),
  );
});

test("a join or departure moves only the share of that peer", () => {
  fc.assert(
    fc.property(fc.string(), anyPeers, (channelId, drawn) => {
      const [joined, ...others] = withIds(drawn);
      fc.pre(joined !== undefined);
      const before = preferredPeer(channelId, others);
      const after = preferredPeer(channelId, [...others, joined as Peer]);
      expect([before?.name, joined?.name]).toContain(after?.name);
    }),
  );
});

test("equal peers share evenly", () => {
  for (const count of shares(["one", "two", "three"].map((name) => peer(name))).values()) {
    expect(count).toBeGreaterThan(900);
    expect(count).toBeLessThan(1_100);
  }
});

test("a peer with three times the capacity gets three times the channels", () => {
  const count = shares([peer("small", 100), peer("large", 300)]);
  expect(count.get("large")).toBeGreaterThan(2_150);
  expect(count.get("large")).toBeLessThan(2_350);
});

test("a restarted peer is preferred for the channels it had, whatever its lease id", () => {
  const two = peer("two");
  for (const channelId of channels.slice(0, 200)) {
    const before = preferredPeer(channelId, [{ ...peer("one"), id: "a" }, two]);
    const after = preferredPeer(channelId, [{ ...peer("one"), id: "z" }, two]);
    expect(after?.name).toBe(before?.name);
  }
});
