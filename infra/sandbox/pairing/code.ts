import { createCipheriv, createDecipheriv, hkdfSync, pbkdf2, randomBytes } from "node:crypto";
import { promisify } from "node:util";
import type { BinaryNode } from "@whiskeysockets/baileys";
import type { Connection } from "../network/connection.ts";
import type { Network } from "../network/network.ts";
import type { CodeRequest } from "../network/pairing-attempt.ts";
import type { Person } from "../state/person.ts";
import type { Companion, KeyPair } from "../state/state.ts";
import { agree, generateKeyPair, rawPublicKey } from "../wire/curve25519.ts";
import { parseAddress } from "../wire/jid.ts";
import { childContent, randomId, serverJid, stanza, unixNow } from "../wire/stanza.ts";
import { completePairing } from "./pair-success.ts";

const derive = promisify(pbkdf2);
const keyRounds = 131_072;
const answerTimeoutMs = 10_000;
const badRequest = { error: 400, text: "bad-request" };

/** Handles a client's request for a code (`companion_hello`) or its answer to the phone (`companion_finish`). Returns the content of the result, or the error. */
export function receiveCodeStage(
  network: Network,
  connection: Connection,
  node: BinaryNode,
): BinaryNode[] | { error: number; text: string } {
  const { pairingAttempt } = connection;
  // A client may ask just when the phone scans its QR instead.
  if (!pairingAttempt) return badRequest;
  if (node.attrs.stage === "companion_finish") {
    pairingAttempt.code?.onKeyBundle?.(node);
    return [];
  }
  const address = parseAddress(node.attrs.jid);
  if (!address) return badRequest;
  const refusal = network.rules.takeRefusedCode();
  if (refusal !== null) {
    network.log(`${connection.id} was refused a pairing code with ${refusal}`);
    return { error: refusal, text: refusal === 429 ? "rate-overlimit" : "bad-request" };
  }
  const ref = randomBytes(16);
  const wrappedEphemeral = childContent(node, "link_code_pairing_wrapped_companion_ephemeral_pub");
  pairingAttempt.code = { phoneNumber: address.user, ref, wrappedEphemeral, onKeyBundle: null };
  network.log(`${connection.id} requested a pairing code for ${address.user}`);
  return [
    stanza("link_code_companion_reg", { stage: "companion_hello" }, [
      stanza("link_code_pairing_ref", {}, ref),
    ]),
  ];
}

/** The phone's part: proves that it knows the code, and checks that the client does. */
export async function typeCode(network: Network, person: Person, typed: string): Promise<Companion> {
  const { connection, attempt, request } = requestFor(network, person.phoneNumber);
  const code = typed.replaceAll(/[^0-9A-Za-z]/g, "").toUpperCase();
  if (code.length !== 8) throw new Error("a pairing code has eight characters");
  if (attempt.isTaken) throw new Error("a code is already being typed for this client");
  attempt.isTaken = true;
  try {
    const clientEphemeral = await unwrap(request.wrappedEphemeral, code);
    const ephemeral = generateKeyPair();
    const bundle = await exchange(
      connection,
      request,
      person.phone.identity,
      await wrap(rawPublicKey(ephemeral), code),
    );
    const shared = agree(ephemeral, clientEphemeral);
    const random = openBundle(bundle, shared, attempt.identity, rawPublicKey(person.phone.identity));
    const secret = Buffer.concat([shared, agree(person.phone.identity, attempt.identity), random]);
    const advSecret = Buffer.from(hkdfSync("sha256", secret, Buffer.alloc(0), "adv_secret", 32));
    return await completePairing(network, connection, attempt, person, advSecret);
  } finally {
    attempt.isTaken = false;
  }
}

function requestFor(network: Network, phoneNumber: string) {
  const newestFirst = [...network.connections].reverse();
  for (const connection of newestFirst) {
    const { pairingAttempt } = connection;
    if (pairingAttempt?.code?.phoneNumber === phoneNumber)
      return { connection, attempt: pairingAttempt, request: pairingAttempt.code };
  }
  throw new Error(`no client asked for a pairing code for ${phoneNumber}`);
}

async function exchange(
  connection: Connection,
  request: CodeRequest,
  phone: KeyPair,
  wrapped: Buffer,
): Promise<BinaryNode> {
  const { promise, resolve, reject } = Promise.withResolvers<BinaryNode>();
  const timer = setTimeout(() => reject(new Error("the client did not answer")), answerTimeoutMs);
  request.onKeyBundle = resolve;
  const attributes = { from: serverJid, type: "link_code_companion_reg", id: randomId(), t: unixNow() };
  const content = [
    stanza("link_code_pairing_wrapped_primary_ephemeral_pub", {}, wrapped),
    stanza("primary_identity_pub", {}, rawPublicKey(phone)),
    stanza("link_code_pairing_ref", {}, request.ref),
  ];
  connection.send(
    stanza("notification", attributes, [
      stanza("link_code_companion_reg", { stage: "primary_hello" }, content),
    ]),
  );
  return promise.finally(() => {
    clearTimeout(timer);
    request.onKeyBundle = null;
  });
}

/** Decrypts the client's key bundle and returns its random part. Only the right code yields the right key. */
function openBundle(node: BinaryNode, shared: Buffer, companion: Buffer, phone: Buffer): Buffer {
  const wrapped = childContent(node, "link_code_pairing_wrapped_key_bundle");
  const salt = wrapped.subarray(0, 32);
  const info = "link_code_pairing_key_bundle_encryption_key";
  const key = Buffer.from(hkdfSync("sha256", shared, salt, info, 32));
  const decipher = createDecipheriv("aes-256-gcm", key, wrapped.subarray(32, 44));
  decipher.setAuthTag(wrapped.subarray(-16));
  let bundle: Buffer;
  try {
    bundle = Buffer.concat([decipher.update(wrapped.subarray(44, -16)), decipher.final()]);
  } catch (cause) {
    throw new Error("wrong pairing code", { cause });
  }
  const isMatching = companion.equals(bundle.subarray(0, 32)) && phone.equals(bundle.subarray(32, 64));
  if (!isMatching) throw new Error("the client's key bundle contains other identities");
  return bundle.subarray(64, 96);
}

async function wrap(publicKey: Buffer, code: string): Promise<Buffer> {
  const salt = randomBytes(32);
  const iv = randomBytes(16);
  const cipher = createCipheriv("aes-256-ctr", await derive(code, salt, keyRounds, 32, "sha256"), iv);
  return Buffer.concat([salt, iv, cipher.update(publicKey), cipher.final()]);
}

async function unwrap(wrapped: Buffer, code: string): Promise<Buffer> {
  const salt = wrapped.subarray(0, 32);
  const key = await derive(code, salt, keyRounds, 32, "sha256");
  const decipher = createDecipheriv("aes-256-ctr", key, wrapped.subarray(32, 48));
  return Buffer.concat([decipher.update(wrapped.subarray(48, 80)), decipher.final()]);
}
