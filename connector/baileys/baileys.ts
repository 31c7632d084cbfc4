/** The only door to Baileys: mends its defects, silences its logs, and journals the messages that it decrypts. */

// Stays first.
import "./before-baileys.ts";
import type { SocketConfig } from "@whiskeysockets/baileys";
import {
  addTransactionCapability,
  Browsers,
  BufferJSON,
  Curve,
  cleanMessage,
  DEFAULT_CONNECTION_CONFIG,
  DisconnectReason,
  decryptMessageNode,
  downloadMediaMessage,
  extractDeviceJids,
  generateWAMessage,
  getBinaryNodeChild,
  getBinaryNodeChildren,
  getNextPreKeysNode,
  getWAUploadToServer,
  initAuthCreds,
  jidDecode,
  jidEncode,
  makeWASocket,
  normalizeMessageContent,
  proto,
  signedKeyPair,
  USyncQuery,
  USyncUser,
  WA_CERT_DETAILS,
  xmppSignedPreKey,
} from "@whiskeysockets/baileys";
import defaultLogger from "@whiskeysockets/baileys/lib/Utils/logger.js";
import { giveKeysToChanges } from "./keyed-changes.ts";
import { assertLibsignalQueueBound } from "./libsignal-queue.ts";
import { verifyServerCertificates } from "./server-certificate.ts";

export type {
  AuthenticationCreds,
  AuthenticationState,
  BaileysEventMap,
  BinaryNode,
  CacheStore,
  SignalDataSet,
  SignalDataTypeMap,
  SignalKeyStore,
  SignalKeyStoreWithTransaction,
  SocketConfig,
  WAMessage,
  WASocket,
} from "@whiskeysockets/baileys";
export {
  addTransactionCapability,
  Browsers,
  BufferJSON,
  Curve,
  cleanMessage,
  DisconnectReason,
  decryptMessageNode,
  downloadMediaMessage,
  extractDeviceJids,
  generateWAMessage,
  getBinaryNodeChild,
  getBinaryNodeChildren,
  getNextPreKeysNode,
  getWAUploadToServer,
  initAuthCreds,
  jidDecode,
  jidEncode,
  makeWASocket,
  normalizeMessageContent,
  proto,
  signedKeyPair,
  USyncQuery,
  USyncUser,
  WA_CERT_DETAILS,
  xmppSignedPreKey,
};

assertLibsignalQueueBound();
verifyServerCertificates({ Curve, proto, WA_CERT_DETAILS });
giveKeysToChanges(proto);

/** The default configuration of a socket. */
export const defaultSocketConfig = DEFAULT_CONNECTION_CONFIG;

/** Baileys exports its Signal repository only here. */
export const { makeSignalRepository: makeLibSignalRepository } = DEFAULT_CONNECTION_CONFIG;

// Baileys logs some stanzas here, whatever logger a socket has.
defaultLogger.level = "silent";

/** Logs nothing. */
export const silentLogger: SocketConfig["logger"] = defaultLogger;
