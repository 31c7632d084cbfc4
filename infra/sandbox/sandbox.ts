import "../before-baileys.ts";
import { join } from "node:path";
import type { Account } from "./account.ts";
import { createAdmin } from "./admin.ts";
import { applyFault } from "./admin-fault-table.ts";
import { createAuthority, issueLoopbackCertificate } from "./certificate.ts";
import { certificateChain, createServerKeys } from "./certificate-chain.ts";
import type { Connection } from "./connection.ts";
import type { Counts } from "./counts.ts";
import { type AppliedFault, runFaults } from "./fault-runner.ts";
import type { PlannedFault } from "./fault-schedule.ts";
import { createFaults, type Faults } from "./faults.ts";
import { createHub, type Hub } from "./hub.ts";
import { type Ledger, readLedgers } from "./ledger.ts";
import { type MediaHost, startMediaHost } from "./media-host.ts";
import { offerOf, parseQr } from "./pairing-qr.ts";
import { bare } from "./signal-keys.ts";
import type { GroupState, SandboxState } from "./state.ts";
import { decodeState, encodeState } from "./state-codec.ts";
import { SandboxStateError } from "./state-error.ts";
import { keepState, readState } from "./store.ts";
import { startWebServer, type WebServer } from "./web-server.ts";

export interface SandboxOptions {
  /** On 127.0.0.1, nowhere else. 0 or absent: a free one. */
  port?: number;
  /** Where the state is kept across restarts; absent: in memory. */
  dataDir?: string;
  /** What the server says it has of a client's one-time pre-keys at its first login. 0 makes Baileys upload all 812 (slow); default 3. */
  firstPreKeyCount?: number;
  /** A client with fewer one-time pre-keys left than this is told to upload more. Default 2; Baileys acts below 5. */
  preKeysLow?: number;
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
  /** `http://127.0.0.1:PORT`: the simulated phone and the JSON admin API, same port as the websocket. */
  readonly adminUrl: string;
  /** The console that the simulated phone links back to, once somebody has told. */
  consoleUrl: string | null;
  readonly counts: Counts;
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

/** Starts the server. Rejects if the port is taken or `dataDir` can't be read. Disposing it closes every socket and saves the state. */
export async function startSandbox(options: SandboxOptions = {}): Promise<Sandbox> {
  const { dataDir } = options;
  const state = dataDir === undefined ? newState() : await keptState(dataDir);
  await using starting = new AsyncDisposableStack();
  const media = starting.use(await openMediaHost(state, dataDir));
  const store = dataDir === undefined ? null : starting.use(keepState(dataDir, () => state));
  const changed = (): void => store?.touch();
  const saved = async (): Promise<void> => store?.flush();
  const hub = starting.use(createHub({ state, media, options, changed, saved }));
  const web = starting.use(
    await startWebServer({
      port: options.port ?? 0,
      chain: certificateChain(state.server),
      hub,
      request: (request) => admin.fetch(request),
    }),
  );
  store?.touch();
  const running = starting.move();
  const sandbox = describe({ hub, web, media, state }, () => running.disposeAsync());
  const admin = createAdmin(sandbox);
  return sandbox;
}

function newState(): SandboxState {
  return {
    version: 1,
    server: createServerKeys(),
    authority: createAuthority("Sandbox media"),
    mediaPort: 0,
    people: {},
    unknownNumbers: [],
  };
}

async function keptState(dataDir: string): Promise<SandboxState> {
  const kept = await readState(dataDir);
  if (kept === null) return newState();
  const state = kept as Partial<SandboxState>;
  if (state.version !== 1 || !state.server || !state.people)
    throw new SandboxStateError(dataDir, "it is not a sandbox's");
  return state as SandboxState;
}

async function openMediaHost(state: SandboxState, dataDir: string | undefined): Promise<MediaHost> {
  const media = await startMediaHost({
    server: issueLoopbackCertificate(state.authority),
    // Links in old messages name the port.
    port: state.mediaPort,
    ...(dataDir === undefined ? {} : { folder: join(dataDir, "media") }),
  });
  state.mediaPort = Number(media.hostname.split(":").at(-1));
  return media;
}

interface Parts {
  hub: Hub;
  web: WebServer;
  media: MediaHost;
  state: SandboxState;
}

function describe({ hub, web, media, state }: Parts, dispose: () => Promise<void>): Sandbox {
  const { network } = hub;
  const faults = createFaults(network);
  const ending = new AbortController();
  const apply = (fault: string, input: unknown): Promise<void> =>
    applyFault(fault, input, { faults, media: media.faults });
  return {
    websocketUrl: `ws://${web.host}/ws/chat`,
    rootKey: bare(state.server.root).toString("hex"),
    mediaCa: state.authority.certificate,
    adminUrl: `http://${web.host}`,
    consoleUrl: null,
    counts: network.counts,
    ledger: readLedgers(network),
    faults,
    media,
    account: (phoneNumber) => network.person(phoneNumber),
    accounts: () => network.people(),
    groups: () => Object.values(state.groups ?? {}),
    pendingPairings: () => [...network.connections].flatMap(pendingPairing),
    offerQr(qrText) {
      const qr = parseQr(qrText);
      const found = qr && offerOf(network, qr);
      if (found) found.offer.qrText = qrText;
    },
    notOnWhatsApp(phoneNumber) {
      state.unknownNumbers.push(phoneNumber);
      network.changed();
    },
    runFaults: (plan, signal = ending.signal, report = []) =>
      runFaults(plan, apply, AbortSignal.any([signal, ending.signal]), report),
    snapshot: () => decodeState(encodeState(state)) as SandboxState,
    async [Symbol.asyncDispose]() {
      ending.abort();
      await dispose();
    },
  };
}

function pendingPairing({ id, since, offer }: Connection): PendingPairing[] {
  if (!offer) return [];
  const { code, qrText, platform } = offer;
  return [
    {
      id,
      kind: code ? "code" : "qr",
      ...(code ? { phoneNumber: code.phoneNumber } : {}),
      ...(qrText === null ? {} : { qrText }),
      platform,
      since,
    },
  ];
}
