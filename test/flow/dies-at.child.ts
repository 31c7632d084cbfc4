import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { ClientSession, Collection } from "mongodb";
import WebSocket from "ws";
import { collectionNames } from "#shared/collections.ts";

/**
 * Preloaded into a connector to kill it at a point that no signal from outside could hit: when it reaches the point for
 * the first time after its start, or after SIGUSR2. `DIES_AT`, or the file that `DIES_AT_FILE` names at SIGUSR2, says
 * - `decrypted`: a message was decrypted, and its ratchet and plaintext are stored; its receipt has not left,
 * - `receipted`: the receipt has left, and the event has not been written,
 * - `unjournaled`: the event is written, and neither the ratchet nor the plaintext is,
 * - `published`: the event is written and the receipt has left, and the journal's row still exists,
 * - `sent`: the first frame after a stored ratchet was handed to the kernel, and nothing after it ran,
 * - `scanned`: a phone has scanned the QR, and the credentials are not stored yet,
 * - `linked`: the credentials are stored, and nothing after it ran.
 */
export type DeathPoint =
  | "decrypted"
  | "receipted"
  | "unjournaled"
  | "published"
  | "sent"
  | "scanned"
  | "linked";

const { DIES_AT, DIES_AT_FILE } = process.env;
let point = DIES_AT;
/** Long enough for bytes written to a socket to arrive. */
const deliveryMs = 500;
/** The same, and less than the journal's row is kept for. */
const soonMs = 200;
let isJournaled = false;
let isPublished = false;
let isRatchetStored = false;
let areCredentialsWritten = false;

function pass(): void {
  process.kill(process.pid, "SIGKILL");
}

if (DIES_AT_FILE) {
  process.on("SIGUSR2", () => {
    point = readFileSync(DIES_AT_FILE, "utf8");
    isJournaled = false;
    isPublished = false;
    isRatchetStored = false;
    areCredentialsWritten = false;
    process.stdout.write(`dies at ${point}\n`);
  });
}

const { bulkWrite } = Collection.prototype;
Collection.prototype.bulkWrite = async function (operations, ...rest) {
  const text = JSON.stringify(operations, (_key, value) => (value?._bsontype === "Binary" ? "…" : value));
  const isAuth = this.collectionName === collectionNames.authKeys;
  const isJournal = isAuth && /"updateOne":\{"filter":\{"_id":"[^"/]+\/inbound\//.test(text);
  const isPublication = this.collectionName === collectionNames.events && text.includes('"incoming_message"');
  if (point === "receipted" && isPublication) {
    await sleep(deliveryMs);
    pass();
  }
  if (point === "unjournaled" && isJournal) await new Promise(() => undefined);
  const result = await bulkWrite.call(this, operations, ...rest);
  if (point === "decrypted" && isJournal) pass();
  if (point === "unjournaled" && isPublication) pass();
  isJournaled ||= isJournal;
  isPublished ||= isPublication;
  if (point === "published" && isJournaled && isPublished) setTimeout(pass, soonMs);
  if (point === "sent" && isAuth && !isJournal && text.includes("/session/")) isRatchetStored = true;
  return result;
};

const { send } = WebSocket.prototype;
type Send = (this: WebSocket, data: unknown, options: object, written: (error?: Error) => void) => void;
const withCallback: Send = function (data, options, written) {
  const isLast = isRatchetStored;
  const [settings, done] =
    typeof options === "function" ? [{}, options as typeof written] : [options, written];
  (send as unknown as Send).call(this, data, settings, (error) => {
    if (isLast) pass();
    done?.(error);
  });
};
WebSocket.prototype.send = withCallback as typeof send;

const { updateOne } = Collection.prototype;
Collection.prototype.updateOne = async function (filter, update, options) {
  const isFirst = this.collectionName === collectionNames.authCreds && options?.upsert === true;
  if (point === "scanned" && isFirst) {
    await sleep(deliveryMs);
    pass();
  }
  if (isFirst) areCredentialsWritten = true;
  return await updateOne.call(this, filter, update, options);
};

const { commitTransaction } = ClientSession.prototype;
ClientSession.prototype.commitTransaction = async function (...rest) {
  await commitTransaction.apply(this, rest);
  if (point === "linked" && areCredentialsWritten) pass();
};
