import type { ReceiptTiming } from "../account.ts";

interface Limited<T> {
  value: T;
  remaining: number;
}

/**
 * A proof that an impostor forges: the certificate chain (`root`: another root signed it; `leaf`: it certifies another
 * server's key), the signature of contacts' pre-keys, the phone's signature on a device that links.
 */
export type Forgery = "root" | "leaf" | "pre-key" | "account";

/** The active faults, looked up where they take effect. A target is a phone number or "all". */
export class FaultRules {
  readonly silent = new Set<string>();
  readonly withheldAcks = new Set<string>();
  readonly forgeries = new Set<Forgery>();
  readonly ackDelays = new Map<string, number>();
  readonly receiptTimings = new Map<string, ReceiptTiming>();
  readonly #failedLogins = new Map<string, Limited<{ code: number; attributes: Record<string, string> }>>();
  readonly #ackErrors = new Map<string, Limited<number>>();
  readonly #ignoredQueries = new Map<string, Limited<true>>();
  readonly #refusedCodes = new Map<"code", Limited<number>>();
  readonly #withheldRestarts = new Map<"restart", Limited<true>>();
  readonly #refusedQueries = new Map<string, Limited<number>>();
  #refusal: Limited<{ status: number; retryAfterSeconds?: number }> | null = null;

  failLogin(target: string, code: number, attributes: Record<string, string>, times: number): void {
    this.#failedLogins.set(target, { value: { code, attributes }, remaining: times });
  }

  takeFailedLogin(target: string | null) {
    return takeFor(this.#failedLogins, target);
  }

  setAckError(target: string, code: number | null, times: number): void {
    if (code === null) this.#ackErrors.delete(target);
    else this.#ackErrors.set(target, { value: code, remaining: times });
  }

  takeAckError(target: string): number | null {
    return takeFor(this.#ackErrors, target);
  }

  ignoreQuery(xmlns: string, times: number, request = "*"): void {
    const query = `${xmlns} ${request}`;
    if (times <= 0) this.#ignoredQueries.delete(query);
    else this.#ignoredQueries.set(query, { value: true, remaining: times });
  }

  /** `request` is the tag of the query's first child. */
  takeIgnoredQuery(xmlns: string, request = ""): boolean {
    const ignored =
      take(this.#ignoredQueries, `${xmlns} ${request}`) ?? take(this.#ignoredQueries, `${xmlns} *`);
    return ignored ?? false;
  }

  refuseCodes(code: number, times: number): void {
    this.#refusedCodes.set("code", { value: code, remaining: times });
  }

  takeRefusedCode(): number | null {
    return take(this.#refusedCodes, "code");
  }

  withholdRestarts(times: number): void {
    this.#withheldRestarts.set("restart", { value: true, remaining: times });
  }

  takeWithheldRestart(): boolean {
    return take(this.#withheldRestarts, "restart") ?? false;
  }

  refuseQuery(xmlns: string, code: number, times: number): void {
    this.#refusedQueries.set(xmlns, { value: code, remaining: times });
  }

  takeRefusedQuery(xmlns: string): number | null {
    return take(this.#refusedQueries, xmlns);
  }

  refuseUpgrades(refusal: { status: number; retryAfterSeconds?: number } | null, times: number): void {
    this.#refusal = refusal && { value: refusal, remaining: times };
  }

  takeRefusal(): { status: number; retryAfterSeconds?: number } | null {
    if (!this.#refusal || this.#refusal.remaining <= 0) return null;
    this.#refusal.remaining -= 1;
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
    for (const rules of [this.silent, this.withheldAcks, this.forgeries, this.ackDelays, this.receiptTimings])
      rules.clear();
    for (const rules of [this.#refusedCodes, this.#withheldRestarts]) rules.clear();
    for (const rules of [this.#failedLogins, this.#ackErrors, this.#ignoredQueries, this.#refusedQueries])
      rules.clear();
    this.#refusal = null;
  }
}

function take<K extends string, T>(rules: Map<K, Limited<T>>, target: K): T | null {
  const rule = rules.get(target);
  if (!rule) return null;
  rule.remaining -= 1;
  if (rule.remaining <= 0) rules.delete(target);
  return rule.value;
}

const takeFor = <T>(rules: Map<string, Limited<T>>, target: string | null): T | null =>
  (target === null ? null : take(rules, target)) ?? take(rules, "all");
