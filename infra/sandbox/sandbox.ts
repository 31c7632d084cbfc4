import type { Account } from "./account.ts";
import type { Counts } from "./counts.ts";
import type { Faults } from "./faults.ts";
import type { SandboxState } from "./state.ts";

export interface SandboxOptions {
  /** Loopback only. */
  host?: "127.0.0.1";
  /** 0 or absent: a free one. */
  port?: number;
  /** Where the state is kept across restarts; absent: in memory. */
  dataDir?: string;
  /** What the server says it has of a client's one-time pre-keys at its first login. 0 makes Baileys upload all 812 (slow); default 3. */
  firstPreKeyCount?: number;
  log?: (line: string) => void;
}

/** A socket that wants to be paired. */
export interface PendingPairing {
  id: string;
  /** "code" once the client asked for a pairing code for `phoneNumber`; such a socket can still be scanned. */
  kind: "qr" | "code";
  phoneNumber?: string;
  /** The whole text of the QR, if `offerQr` told; the protocol alone does not reveal it to the server. */
  qrText?: string;
  /** What the client calls itself. */
  platform: string;
  since: Date;
}

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
  /** `http://127.0.0.1:PORT`: phone page and JSON admin API, same port as the websocket. */
  readonly adminUrl: string;
  readonly counts: Counts;
  readonly faults: Faults;
  /** The person with this number (digits only), made on first use. */
  account(phoneNumber: string): Account;
  accounts(): Account[];
  pendingPairings(): PendingPairing[];
  /** Tells the sandbox the text of a QR that some page shows, so that the phone page can offer it for scanning. */
  offerQr(qrText: string): void;
  /** From now on this number is unknown to WhatsApp. Every other number exists. */
  notOnWhatsApp(phoneNumber: string): void;
  snapshot(): SandboxState;
}

/** Starts the server. Rejects if the port is taken. Disposing it closes every socket and saves the state. */
export async function startSandbox(_options: SandboxOptions = {}): Promise<Sandbox> {
  throw new Error("the sandbox's server is being written");
}
