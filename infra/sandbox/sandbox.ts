/** Starts a simulated WhatsApp server on loopback, with which an unpatched Baileys pairs, sends and receives. */

import "../patch-baileys.ts";
import { join } from "node:path";
import { createAdmin } from "./admin/admin.ts";
import { applyFault } from "./admin/fault-table.ts";
import { createFaults } from "./faults/faults.ts";
import { runFaults } from "./faults/runner.ts";
import { readLedgers } from "./ledger/ledger.ts";
import { createAuthority, issueLoopbackCertificate } from "./media/certificate.ts";
import { type MediaHost, startMediaHost } from "./media/media-host.ts";
import { pendingPairings } from "./pairing/pending-pairings.ts";
import { attemptOf, parseQr } from "./pairing/qr.ts";
import type { Sandbox } from "./sandbox-api.ts";
import { startWebServer, type WebServer } from "./server/web-server.ts";
import { createWhatsAppServer, type WhatsAppServer } from "./server/whatsapp-server.ts";
import { decodeState, encodeState } from "./state/codec.ts";
import { keepState, readState } from "./state/snapshot-file.ts";
import type { SandboxState } from "./state/state.ts";
import { SandboxStateError } from "./state/state-error.ts";
import { createServerKeys } from "./wire/certificate-chain.ts";
import { rawPublicKey } from "./wire/curve25519.ts";

export interface SandboxOptions {
  /** Port on 127.0.0.1; 0 or absent: a free one. */
  port?: number;
  /** Folder that keeps the state across restarts; absent: in memory only. */
  dataDir?: string;
  /** Number of one-time pre-keys that the server reports at a client's first login. 0 makes Baileys upload all 812 (slow). Default 3. */
  firstPreKeyCount?: number;
  /** A client with fewer one-time pre-keys left than this is asked to upload more. Default 2; Baileys acts below 5. */
  preKeysLow?: number;
  /** Number of people, the oldest of the sandbox, whom a phone names to a client that it links. Default: everyone. */
  addressBook?: number;
  log?: (line: string) => void;
}

/** Starts the server. Rejects if the port is taken or `dataDir` can't be read. Disposing the sandbox closes every socket and saves the state. */
export async function startSandbox(options: SandboxOptions = {}): Promise<Sandbox> {
  const { dataDir } = options;
  const state = dataDir === undefined ? await newState() : await savedState(dataDir);
  await using starting = new AsyncDisposableStack();
  const media = starting.use(await openMediaHost(state, dataDir));
  const store = dataDir === undefined ? null : starting.use(keepState(dataDir, () => state));
  const changed = (): void => store?.touch();
  const saved = async (): Promise<void> => store?.flush();
  const whatsapp = starting.use(createWhatsAppServer({ state, media, options, changed, saved }));
  const web = starting.use(
    await startWebServer({
      port: options.port ?? 0,
      whatsapp,
      request: (request) => admin.fetch(request),
    }),
  );
  store?.touch();
  const running = starting.move();
  const sandbox = createSandbox({ whatsapp, web, media, state }, () => running.disposeAsync());
  const admin = createAdmin(sandbox);
  return sandbox;
}

async function newState(): Promise<SandboxState> {
  return {
    version: 1,
    server: createServerKeys(),
    authority: await createAuthority("Sandbox media"),
    mediaPort: 0,
    people: {},
    unknownNumbers: [],
  };
}

async function savedState(dataDir: string): Promise<SandboxState> {
  const snapshot = await readState(dataDir);
  if (snapshot === null) return await newState();
  const state = snapshot as Partial<SandboxState>;
  if (state.version !== 1 || !state.server || !state.people)
    throw new SandboxStateError(dataDir, "it is not the state of a sandbox");
  return state as SandboxState;
}

async function openMediaHost(state: SandboxState, dataDir: string | undefined): Promise<MediaHost> {
  const media = await startMediaHost({
    server: await issueLoopbackCertificate(state.authority),
    // Links in old messages contain the port.
    port: state.mediaPort,
    ...(dataDir === undefined ? {} : { folder: join(dataDir, "media") }),
  });
  state.mediaPort = Number(media.hostname.split(":").at(-1));
  return media;
}

interface Parts {
  whatsapp: WhatsAppServer;
  web: WebServer;
  media: MediaHost;
  state: SandboxState;
}

function createSandbox({ whatsapp, web, media, state }: Parts, dispose: () => Promise<void>): Sandbox {
  const { network, directory } = whatsapp;
  const faults = createFaults(network);
  const ending = new AbortController();
  const apply = (fault: string, input: unknown): Promise<void> =>
    applyFault(fault, input, { faults, media: media.faults });
  return {
    websocketUrl: `ws://${web.host}/ws/chat`,
    rootKey: rawPublicKey(state.server.root).toString("hex"),
    mediaCa: state.authority.certificate,
    adminUrl: `http://${web.host}`,
    consoleUrl: null,
    counts: network.counts,
    ledger: readLedgers(network.ledgers, directory.people),
    faults,
    media,
    account: directory.person,
    accounts: directory.people,
    groups: () => Object.values(state.groups ?? {}),
    pendingPairings: () => pendingPairings(network),
    offerQr(qrText) {
      const qr = parseQr(qrText);
      const found = qr && attemptOf(network, qr);
      if (found) found.attempt.qrText = qrText;
    },
    notOnWhatsApp(phoneNumber) {
      state.unknownNumbers.push(phoneNumber);
      network.changed();
    },
    registeredAs(phoneNumber, other) {
      state.registeredAs = { ...state.registeredAs, [phoneNumber]: other };
      network.changed();
    },
    withoutDevices(phoneNumber, on) {
      const others = (state.withoutDevices ?? []).filter((one) => one !== phoneNumber);
      state.withoutDevices = on ? [...others, phoneNumber] : others;
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
