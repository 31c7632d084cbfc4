import { errorTrace } from "#shared/error-trace.ts";
import type { Logger } from "#shared/log.ts";
import type { AuthState } from "../auth/auth-state.ts";
import { ask } from "../baileys/ask.ts";
import {
  type AuthenticationCreds,
  signedKeyPair,
  type WASocket,
  xmppSignedPreKey,
} from "../baileys/baileys.ts";
import type { Timings } from "../timings.ts";

export interface SignedPreKeyRotationOptions {
  auth: Pick<AuthState, "state" | "save" | "flush">;
  /** An open socket. */
  wa: Pick<WASocket, "query">;
  timings: Pick<Timings, "signedPreKeyMs" | "signedPreKeyRetryMs" | "rotationLookMs" | "ackMs">;
  /** Aborts when the socket is gone. */
  gone: AbortSignal;
  /** The database's time, ms since the epoch: another connector may compare what this one notes. */
  now(): number;
  log: Logger;
}

/** Stored with the credentials. */
interface SignedPreKeyRecord {
  /** When the signed pre-key was replaced, and when that was last tried; ms since the Unix epoch. */
  signedPreKeyAt?: number;
  signedPreKeyTriedAt?: number;
  /**
   * WhatsApp may already hand this key out even though its acknowledgement was lost, so keep offering the same key until it
   * is acknowledged.
   */
  signedPreKeyOffered?: SignedPreKey;
}

type SignedPreKey = AuthenticationCreds["signedPreKey"];

/**
 * Offers WhatsApp a new signed pre-key every 30 days, as its own clients do and Baileys does not. Retries a failed offer the
 * next day, and one that the previous connection left unanswered at once. The times are stored with the credentials, so that
 * a restart neither forgets them nor repeats the offer, and a new link starts over.
 */
export function rotateSignedPreKeys(options: SignedPreKeyRotationOptions): void {
  const { auth, wa, timings, gone, now, log } = options;
  const kept = (): SignedPreKeyRecord => auth.state.creds.additionalData ?? {};
  const isPast = (at: number, ms: number) => now() - at >= ms;
  let isRotating = false;

  const offer = async () => {
    const { creds } = auth.state;
    const key = kept().signedPreKeyOffered ?? nextSignedPreKey(creds);
    await note(auth, { signedPreKeyTriedAt: now(), signedPreKeyOffered: key });
    const isAccepted = await offerSignedPreKey(wa, key, timings.ackMs);
    // The channel may have been unlinked or linked again meanwhile.
    if (gone.aborted) return;
    if (isAccepted) Object.assign(creds, { signedPreKey: key });
    const replaced = isAccepted ? { signedPreKeyAt: now() } : {};
    await note(auth, { ...replaced, signedPreKeyOffered: undefined });
    log.info({ event: "signed_pre_key", keyId: key.keyId, isTaken: isAccepted }, "signed pre-key offered");
  };
  const offerIfDue = async () => {
    const { signedPreKeyAt, signedPreKeyTriedAt = 0 } = kept();
    if (signedPreKeyAt === undefined) return note(auth, { signedPreKeyAt: now() });
    const isOld = isPast(signedPreKeyAt, timings.signedPreKeyMs);
    if (isOld && isPast(signedPreKeyTriedAt, timings.signedPreKeyRetryMs)) await offer();
  };
  const once = (work: () => Promise<void>) => {
    if (isRotating) return;
    isRotating = true;
    work()
      .catch((error: unknown) =>
        log.warn(
          { event: "signed_pre_key", ...errorTrace(error) },
          "signed pre-key not replaced, retried tomorrow or after a reconnect",
        ),
      )
      .finally(() => {
        isRotating = false;
      });
  };
  const timer = setInterval(() => once(offerIfDue), timings.rotationLookMs);
  gone.addEventListener("abort", () => clearInterval(timer), { once: true });
  if (kept().signedPreKeyOffered) once(offer);
}

/** Stores the fields; durable when it resolves. Bypasses Baileys' event, which would send a presence. */
async function note(
  auth: SignedPreKeyRotationOptions["auth"],
  fields: Partial<Record<keyof SignedPreKeyRecord, unknown>>,
): Promise<void> {
  const { creds } = auth.state;
  creds.additionalData = { ...creds.additionalData, ...fields };
  auth.save();
  await auth.flush();
}

function nextSignedPreKey({ signedIdentityKey, signedPreKey }: AuthenticationCreds): SignedPreKey {
  return signedKeyPair(signedIdentityKey, signedPreKey.keyId + 1);
}

/**
 * Resolves to whether WhatsApp accepted the key; rejects when it does not answer. Baileys' own function takes silence for
 * acceptance and would keep a key that WhatsApp has never seen.
 */
async function offerSignedPreKey(
  wa: Pick<WASocket, "query">,
  key: SignedPreKey,
  answerMs: number,
): Promise<boolean> {
  const attrs = { to: "@s.whatsapp.net", type: "set", xmlns: "encrypt" };
  const content = [{ tag: "rotate", attrs: {}, content: [xmppSignedPreKey(key)] }];
  const answer = await ask(wa, { tag: "iq", attrs, content }, answerMs);
  if (answer.kind === "unanswered") throw new Error("WhatsApp did not answer");
  return answer.kind === "result";
}
