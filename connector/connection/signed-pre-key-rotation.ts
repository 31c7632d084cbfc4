import { errorTrace } from "#shared/error-trace.ts";
import type { Logger } from "#shared/log.ts";
import type { AuthState } from "../auth/auth-state.ts";
import {
  type AuthenticationCreds,
  type BinaryNode,
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
  /** Aborted when the socket is gone. */
  gone: AbortSignal;
  log: Logger;
}

/** Kept with the credentials. */
interface SignedPreKeyRecord {
  /** When the signed pre-key was made, and when that was last tried; ms since the epoch. */
  signedPreKeyAt?: number;
  signedPreKeyTriedAt?: number;
  /** WhatsApp may have it and give it to strangers, though its yes did not come: the same is offered until it does. */
  signedPreKeyOffered?: SignedPreKey;
}

type SignedPreKey = AuthenticationCreds["signedPreKey"];

/**
 * Gives WhatsApp a new signed pre-key every 30 days, as its own clients do and Baileys does not; after a failure the next
 * day, and what the connection before this one offered at once. The credentials know when, so that a restart neither
 * forgets it nor tries again, and a new link starts afresh.
 */
export function rotateSignedPreKeys({ auth, wa, timings, gone, log }: SignedPreKeyRotationOptions): void {
  const kept = (): SignedPreKeyRecord => auth.state.creds.additionalData ?? {};
  let isRotating = false;

  const offer = async () => {
    const { creds } = auth.state;
    const key = kept().signedPreKeyOffered ?? nextSignedPreKey(creds);
    await note(auth, { signedPreKeyTriedAt: Date.now(), signedPreKeyOffered: key });
    const isTaken = await offerSignedPreKey(wa, key, timings.ackMs);
    // The channel may have been unlinked meanwhile, or be linked anew.
    if (gone.aborted) return;
    if (isTaken) Object.assign(creds, { signedPreKey: key });
    const news = isTaken ? { signedPreKeyAt: Date.now() } : {};
    await note(auth, { ...news, signedPreKeyOffered: undefined });
    log.info({ event: "signed_pre_key", keyId: key.keyId, isTaken }, "a new signed pre-key");
  };
  const offerIfDue = async () => {
    const { signedPreKeyAt, signedPreKeyTriedAt = 0 } = kept();
    if (signedPreKeyAt === undefined) return note(auth, { signedPreKeyAt: Date.now() });
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
          "tried again tomorrow, or when it reconnects",
        ),
      )
      .finally(() => {
        isRotating = false;
      });
  };
  const looking = setInterval(() => once(offerIfDue), timings.rotationLookMs);
  gone.addEventListener("abort", () => clearInterval(looking), { once: true });
  if (kept().signedPreKeyOffered) once(offer);
}

function isPast(at: number, ms: number): boolean {
  return Date.now() - at >= ms;
}

/** Durable when it resolves. Not by Baileys' event, which makes it send a presence. */
async function note(
  auth: SignedPreKeyRotationOptions["auth"],
  news: Partial<Record<keyof SignedPreKeyRecord, unknown>>,
): Promise<void> {
  const { creds } = auth.state;
  creds.additionalData = { ...creds.additionalData, ...news };
  auth.save();
  await auth.flush();
}

function nextSignedPreKey({ signedIdentityKey, signedPreKey }: AuthenticationCreds): SignedPreKey {
  return signedKeyPair(signedIdentityKey, signedPreKey.keyId + 1);
}

/**
 * Resolves to whether WhatsApp took it; rejects when it said nothing. Baileys' own takes silence for a yes, and would keep
 * a key that WhatsApp has never seen.
 */
async function offerSignedPreKey(
  wa: Pick<WASocket, "query">,
  key: SignedPreKey,
  answerMs: number,
): Promise<boolean> {
  const attrs = { to: "@s.whatsapp.net", type: "set", xmlns: "encrypt" };
  const content = [{ tag: "rotate", attrs: {}, content: [xmppSignedPreKey(key)] }];
  try {
    const answer: BinaryNode | undefined = await wa.query({ tag: "iq", attrs, content }, answerMs);
    if (answer) return true;
  } catch (error) {
    if (isRefusal(error)) return false;
    throw error;
  }
  throw new Error("WhatsApp did not answer");
}

/** Baileys gives along the code of an answer that says no. */
function isRefusal(error: unknown): boolean {
  return error instanceof Error && "data" in error && typeof error.data === "number";
}
