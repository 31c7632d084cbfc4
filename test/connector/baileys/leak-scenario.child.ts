/**
 * Runs in a process of its own: a device that passes its secrets to its log. Sends the secrets to the parent over IPC.
 * With the argument `unguarded` it logs as Baileys does on its own.
 */
import { Console } from "node:console";
import { pino } from "pino";
import { makeWASocket } from "#connector/baileys/baileys.ts";
import { hardenedSignalRepository } from "#connector/baileys/harden.ts";
import { baileysLogger } from "#connector/baileys/logger.ts";
import { createParty, introduce, memoryStore } from "./signal-party.fixture.ts";

const isGuarded = process.argv[2] !== "unguarded";
if (!isGuarded) Object.assign(globalThis.console, new Console(process.stdout, process.stderr));
const log = pino({ level: "trace" });
const logger = isGuarded ? baileysLogger(log) : log;

const [alice, bob] = ["15550001111@s.whatsapp.net", "15550002222@s.whatsapp.net"];
const store = memoryStore();
const us = createParty(alice, store, hardenedSignalRepository(store));
const them = createParty(bob, memoryStore());

await introduce(us, them);
const first = await us.repository.encryptMessage({ jid: bob, data: Buffer.from("dinner at eight") });
const sessionBefore = [...store.rows.values()].join();
// Closes the session; libsignal prints the whole of it.
await introduce(us, them);
const second = await us.repository.encryptMessage({ jid: bob, data: Buffer.from("dinner at nine") });
await them.repository.decryptMessage({ jid: alice, ...first });
await them.repository.decryptMessage({ jid: alice, ...second });
await them.repository.decryptMessage({ jid: alice, ...second }).catch((error: unknown) => {
  logger.error({ err: error, keys: us.creds.noiseKey, text: "dinner at eight" }, "failed to decrypt message");
  logger.trace({ creds: us.creds }, "handshake");
});

const closed = Promise.withResolvers<void>();
const socket = makeWASocket({
  auth: { creds: us.creds, keys: store },
  logger,
  waWebSocketUrl: "ws://127.0.0.1:1",
  makeSignalRepository: hardenedSignalRepository(store),
});
socket.ev.on("connection.update", ({ connection }) => connection === "close" && closed.resolve());
await closed.promise;

const privateKeys = [us.creds.noiseKey, us.creds.signedIdentityKey, us.creds.signedPreKey.keyPair].map(
  (pair) => Buffer.from(pair.private).toString("hex"),
);
const ofSession = [...sessionBefore.matchAll(/"(?:privKey|rootKey)":"([^"]+)"/g)].map(([, key = ""]) =>
  Buffer.from(key, "base64").toString("hex"),
);
process.send?.(
  { keys: [...privateKeys, ...ofSession], words: ["dinner", "15550001111", "15550002222"] },
  () => process.disconnect(),
);
