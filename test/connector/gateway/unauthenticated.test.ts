import { expect, test } from "vitest";
import { UnauthenticatedConnections } from "#connector/gateway/unauthenticated.ts";

test("a connection counts once for its address until it is deleted, even if deleted twice", () => {
  const connections = new UnauthenticatedConnections();
  const [first, second, elsewhere] = [{}, {}, {}];
  connections.add(first, "10.0.0.1");
  connections.add(first, "10.0.0.1");
  connections.add(second, "10.0.0.1");
  connections.add(elsewhere, "10.0.0.2");
  expect(connections.count("10.0.0.1")).toBe(2);
  connections.delete(first);
  connections.delete(first);
  expect([connections.count("10.0.0.1"), connections.count("10.0.0.2")]).toEqual([1, 1]);
  connections.delete(second);
  expect(connections.count("10.0.0.1")).toBe(0);
});
