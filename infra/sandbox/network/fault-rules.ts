import type { ReceiptTiming } from "../account.ts";

interface Limited<T> {
  value: T;
  left: number;
}

/** Which faults are in force: looked up where they bite. A target is a phone number or "all". */
export class FaultRules {
  readonly silent = new Set<string>();
  readonly withheldAcks = new Set<string>();
  readonly ackDelays = new Map<string, number>();
  readonly receiptTimings = new Map<string, ReceiptTiming>();
  readonly #failedLogins = new Map<string, Limited<{ code: number; attributes: Record<string, string> }>>();
  readonly #ackErrors = new Map<string, Limited<number>>();
  readonly #ignoredQueries = new Map<string, Limited<true>>();
  #refusal: Limited<{ status: number; retryAfterSeconds?: number }> | null = null;

  failLogin(target: string, code: number, attributes: Record<string, string>, times: number): void {
    this.#failedLogins.set(target, { value: { code, attributes }, left: times });
  }

  takeFailedLogin(target: string | null) {
    return takeFor(this.#failedLogins, target);
  }

  setAckError(target: string, code: number | null, times: number): void {
    if (code === null) this.#ackErrors.delete(target);
    else this.#ackErrors.set(target, { value: code, left: times });
  }

  takeAckError(target: string): number | null {
    return takeFor(this.#ackErrors, target);
  }

  ignoreQuery(xmlns: string, times: number): void {
    this.#ignoredQueries.set(xmlns, { value: true, left: times });
  }

  takeIgnoredQuery(xmlns: string): boolean {
    return take(this.#ignoredQueries, xmlns) ?? false;
  }

  refuseUpgrades(refusal: { status: number; retryAfterSeconds?: number } | null, times: number): void {
    this.#refusal = refusal && { value: refusal, left: times };
  }

  takeRefusal(): { status: number; retryAfterSeconds?: number } | null {
    if (!this.#refusal || this.#refusal.left <= 0) return null;
    this.#refusal.left -= 1;
    return this.#refusal.value;
  }

  areAcksWithheld(phoneNumber: string): boolean {
    return this.withheldAcks.has(phoneNumber) || this.withheldAcks.has("all");
  }

  ackDelayMs(phoneNumber: string): number {
    return this.ackDelays.get(phoneNumber) ?? this.ackDelays.get("all") ?? 0;
  }

  isSilent(phoneNumber: string | null): boolean {
    return this.silent.has("all") || (phoneNumber !== null && this.silent.has(phoneNumber));
  }

  clear(): void {
    for (const held of [this.silent, this.withheldAcks, this.ackDelays, this.receiptTimings]) held.clear();
    for (const held of [this.#failedLogins, this.#ackErrors, this.#ignoredQueries]) held.clear();
    this.#refusal = null;
  }
}

function take<T>(rules: Map<string, Limited<T>>, target: string): T | null {
  const rule = rules.get(target);
  if (!rule) return null;
  rule.left -= 1;
  if (rule.left <= 0) rules.delete(target);
  return rule.value;
}

const takeFor = <T>(rules: Map<string, Limited<T>>, target: string | null): T | null =>
  (target === null ? null : take(rules, target)) ?? take(rules, "all");
