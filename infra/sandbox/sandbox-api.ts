/** Declares the interface through which tests and the admin API observe and control a running sandbox. */

import type { Account } from "./account.ts";
import type { Faults } from "./faults/faults.ts";
import type { AppliedFault } from "./faults/runner.ts";
import type { PlannedFault } from "./faults/schedule.ts";
import type { Counters } from "./ledger/counters.ts";
import type { Ledger } from "./ledger/ledger.ts";
import type { MediaHost } from "./media/media-host.ts";
import type { PendingPairing } from "./pairing/pending-pairings.ts";
import type { GroupState, SandboxState } from "./state/state.ts";

/**
 * A WhatsApp server on loopback for unpatched Baileys: set `waWebSocketUrl` to `websocketUrl` and
 * `WA_CERT_DETAILS.PUBLIC_KEY` to `rootKey`, and trust `mediaCa`.
 */
export interface Sandbox extends AsyncDisposable {
  /** `ws://127.0.0.1:PORT/ws/chat` */
  readonly websocketUrl: string;
  /** Hex of the 32-byte public key at the root of the certificate chain. The same across restarts. */
  readonly rootKey: string;
  /** PEM of the authority that signed the media host's certificate. */
  readonly mediaCa: string;
  /** `http://127.0.0.1:PORT`: the simulated phone and the JSON admin API, on the websocket's port. */
  readonly adminUrl: string;
  /** Address of the console that the simulated phone links back to; null until set. */
  consoleUrl: string | null;
  readonly counts: Counters;
  /** The history of every message, socket and decryption failure. In memory only. */
  readonly ledger: Ledger;
  readonly faults: Faults;
  /** The media host's own faults and counts. */
  readonly media: Pick<MediaHost, "faults" | "counts">;
  /** The person with this number (digits only), created on first use. */
  account(phoneNumber: string): Account;
  accounts(): Account[];
  groups(): GroupState[];
  pendingPairings(): PendingPairing[];
  /** Supplies the text of a QR that a client shows, so that the simulated phone can offer it for scanning. */
  offerQr(qrText: string): void;
  /** Makes this number unknown to WhatsApp. Every other number exists. */
  notOnWhatsApp(phoneNumber: string): void;
  /** Registers this number as another, as with Brazil's ninth digit: a client that dials it is told the other's JID. */
  registeredAs(phoneNumber: string, other: string): void;
  /** Makes a number name no device although it exists, until it is switched off again. */
  withoutDevices(phoneNumber: string, on: boolean): void;
  /** Carries out the plan until it is complete or aborted, and reports which fault was applied when. Never rejects. */
  runFaults(
    plan: readonly PlannedFault[],
    signal?: AbortSignal,
    report?: AppliedFault[],
  ): Promise<AppliedFault[]>;
  /** A copy of all state that survives a restart. */
  snapshot(): SandboxState;
}
