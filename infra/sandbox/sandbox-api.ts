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
 * `WA_CERT_DETAILS.PUBLIC_KEY` to `rootKey`, trust `mediaCa`.
 */
export interface Sandbox extends AsyncDisposable {
  /** `ws://127.0.0.1:PORT/ws/chat` */
  readonly websocketUrl: string;
  /** Hex of the 32-byte public key that signs the certificate chain. Kept across restarts. */
  readonly rootKey: string;
  /** PEM of the authority that signed the media host's certificate. */
  readonly mediaCa: string;
  /** `http://127.0.0.1:PORT`: the simulated phone and the JSON admin API, same port as the websocket. */
  readonly adminUrl: string;
  /** The console that the simulated phone links back to, once somebody has told. */
  consoleUrl: string | null;
  readonly counts: Counters;
  /** What became of every message, and when every socket was there. In memory only. */
  readonly ledger: Ledger;
  readonly faults: Faults;
  /** The media host's own faults and counts. */
  readonly media: Pick<MediaHost, "faults" | "counts">;
  /** The person with this number (digits only), made on first use. */
  account(phoneNumber: string): Account;
  accounts(): Account[];
  groups(): GroupState[];
  pendingPairings(): PendingPairing[];
  /** Tells the sandbox the text of a QR that some page shows, so that the simulated phone can offer it for scanning. */
  offerQr(qrText: string): void;
  /** From now on this number is unknown to WhatsApp. Every other number exists. */
  notOnWhatsApp(phoneNumber: string): void;
  /** Does what is planned until it is through or aborted, and tells what was done when. Never rejects. */
  runFaults(
    plan: readonly PlannedFault[],
    signal?: AbortSignal,
    report?: AppliedFault[],
  ): Promise<AppliedFault[]>;
  /** A copy of everything that is kept across a restart. */
  snapshot(): SandboxState;
}
