import type { Logger } from "#shared/log.ts";
import type { AuthState } from "../auth/auth-state.ts";
import { Browsers, type makeLibSignalRepository, type SocketConfig } from "../baileys/baileys.ts";
import { earlyKeys } from "../baileys/early-keys.ts";
import { hardenedSignalRepository } from "../baileys/harden.ts";
import type { InboundJournal } from "../baileys/inbound-journal.ts";
import { baileysLogger } from "../baileys/logger.ts";
import type { SocketCaches } from "../baileys/socket-caches.ts";
import { markCopy, markEncrypted, untilPermitted } from "../baileys/wire-trace.ts";
import type { Timings } from "../timings.ts";

export interface SocketConfigOptions {
  auth: AuthState;
  /** Null for WhatsApp's own. */
  websocketUrl: string | null;
  version: [number, number, number] | null;
  caches: SocketCaches;
  getMessage: SocketConfig["getMessage"];
  timings: Pick<Timings, "keepAliveMs" | "qrMs">;
  log: Logger;
}

/** How Baileys is configured for one socket. `gone` aborts when it has ended. */
export function socketConfig(options: SocketConfigOptions, journal: InboundJournal, gone: AbortSignal) {
  const { auth, websocketUrl, version, caches, getMessage, timings, log } = options;
  const config: Partial<SocketConfig> & Pick<SocketConfig, "auth"> = {
    auth: { creds: auth.state.creds, keys: earlyKeys(auth.state.keys) },
    browser: Browsers.macOS("Chrome"),
    logger: baileysLogger(log),
    markOnlineOnConnect: false,
    syncFullHistory: false,
    emitOwnEvents: false,
    generateHighQualityLinkPreview: false,
    keepAliveIntervalMs: timings.keepAliveMs,
    defaultQueryTimeoutMs: 30_000,
    // It would delay every other message by as much, for each message that cannot be decrypted.
    retryRequestDelayMs: 0,
    transactionOpts: { maxCommitRetries: 1, delayBetweenTriesMs: 0 },
    makeSignalRepository: tracedSignalRepository(auth, journal, gone),
    getMessage,
    ...caches,
  };
  if (websocketUrl) config.waWebSocketUrl = websocketUrl;
  if (version) config.version = version;
  if (timings.qrMs !== null) config.qrTimeout = timings.qrMs;
  return config;
}

function tracedSignalRepository(
  auth: AuthState,
  journal: InboundJournal,
  gone: AbortSignal,
): SocketConfig["makeSignalRepository"] {
  const make = hardenedSignalRepository(auth.state.keys, journal, gone);
  return (...parts: Parameters<typeof makeLibSignalRepository>) => {
    const repository = make(...parts);
    const { encryptMessage, encryptGroupMessage } = repository;
    return {
      ...repository,
      async encryptMessage(options) {
        markEncrypted();
        const encrypted = await encryptMessage(options);
        markCopy(options.jid);
        await untilPermitted();
        return encrypted;
      },
      async encryptGroupMessage(options) {
        markEncrypted();
        const encrypted = await encryptGroupMessage(options);
        markCopy(options.group);
        // Groups cannot be sent to yet. When they can: a refused stanza must not count as having brought its sender key.
        await untilPermitted();
        return encrypted;
      },
    };
  };
}
