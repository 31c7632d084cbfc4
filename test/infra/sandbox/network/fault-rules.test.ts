import { expect, test } from "vitest";
import { FaultRules } from "#infra/sandbox/network/fault-rules.ts";

test("a limited fault applies as often as requested", () => {
  const rules = new FaultRules();
  rules.setAckError("1", 463, 2);
  expect([1, 2, 3].map(() => rules.takeAckError("1"))).toEqual([463, 463, null]);
  rules.refuseUpgrades({ status: 503 }, 1);
  expect([rules.takeRefusal()?.status, rules.takeRefusal()]).toEqual([503, null]);
});

test("a fault of one account spares the others, a fault of all also hits sockets without an account", () => {
  const rules = new FaultRules();
  rules.failLogin("1", 403, {}, 1);
  expect([rules.takeFailedLogin("2"), rules.takeFailedLogin(null)]).toEqual([null, null]);
  expect(rules.takeFailedLogin("1")?.code).toBe(403);
  rules.failLogin("all", 503, { retry: "1" }, 2);
  expect(rules.takeFailedLogin(null)).toEqual({ code: 503, attributes: { retry: "1" } });
  expect(rules.takeFailedLogin("2")?.code).toBe(503);
});

test("an unlimited fault ends when it is revoked or all faults are cleared", () => {
  const rules = new FaultRules();
  rules.setAckError("1", 479, Number.POSITIVE_INFINITY);
  expect(rules.takeAckError("1")).toBe(479);
  rules.setAckError("1", null, 0);
  expect(rules.takeAckError("1")).toBeNull();
  rules.ignoreQuery("usync", Number.POSITIVE_INFINITY);
  rules.silent.add("all");
  rules.clear();
  expect([rules.takeIgnoredQuery("usync"), rules.isSilent("1"), rules.isSilent(null)]).toEqual([
    false,
    false,
    false,
  ]);
});

test("a query is ignored by its namespace, or by its namespace and first child", () => {
  const rules = new FaultRules();
  rules.ignoreQuery("encrypt", 1, "count");
  expect([rules.takeIgnoredQuery("encrypt", "digest"), rules.takeIgnoredQuery("encrypt", "count")]).toEqual([
    false,
    true,
  ]);
  rules.ignoreQuery("encrypt", 2);
  expect([rules.takeIgnoredQuery("encrypt", "count"), rules.takeIgnoredQuery("encrypt")]).toEqual([
    true,
    true,
  ]);
  rules.ignoreQuery("usync", 5);
  rules.ignoreQuery("usync", 0);
  expect(rules.takeIgnoredQuery("usync", "usync")).toBe(false);
});

test("pairing codes are refused, and restarts withheld, as often as requested", () => {
  const rules = new FaultRules();
  rules.refuseCodes(429, 1);
  rules.withholdRestarts(1);
  expect([rules.takeRefusedCode(), rules.takeRefusedCode()]).toEqual([429, null]);
  expect([rules.takeWithheldRestart(), rules.takeWithheldRestart()]).toEqual([true, false]);
});

test("acks can be delayed or withheld for all accounts; an account's own delay takes precedence", () => {
  const rules = new FaultRules();
  rules.ackDelays.set("all", 500);
  rules.ackDelays.set("15550000001", 20);
  expect([rules.ackDelayMs("15550000001"), rules.ackDelayMs("15550000002")]).toEqual([20, 500]);
  expect(rules.areAcksWithheld("15550000001")).toBe(false);
  rules.withheldAcks.add("all");
  expect(rules.areAcksWithheld("15550000001")).toBe(true);
});
