import type { Logger } from "../shared/log.ts";
import type { AuthState } from "./auth/auth-state.ts";
import {
  type AuthenticationCreds,
  type BinaryNode,
  signedKeyPair,
  type WASocket,
  xmppSignedPreKey,
} from "./baileys/baileys.ts";
import { errorTrace } from "./error-trace.ts";
import type { Timings } from "./timings.ts";

export interface RotationOptions {
  auth: Pick<AuthState, "state" | "save" | "flush">;
  /** An open socket. */
  wa: Pick<WASocket, "query">;
  timings: Pick<Timings, "signedPreKeyMs" | "signedPreKeyRetryMs" | "rotationLookMs" | "ackMs">;
  /** Aborted when the socket is gone. */
  gone: AbortSignal;
  log: Logger;
}

/** When the signed pre-key was made and when that was last tried, ms since the epoch; kept with the credentials. */
interface RotationTimes {
  signedPreKeyAt?: number;
  signedPreKeyTriedAt?: number;
}

/**
 * Gives WhatsApp a new signed pre-key every 30 days, as its own clients do and Baileys does not; after a failure the next
 * day. The credentials know when, so that a restart neither forgets it nor tries again, and a new link starts afresh.
 */
export function rotateSignedPreKeys({ auth, wa, timings, gone, log }: RotationOptions): void {
  let isRotating = false;
  const rotate = async () => {
    const { creds } = auth.state;
    const { signedPreKeyAt, signedPreKeyTriedAt }: RotationTimes = creds.additionalData ?? {};
    if (signedPreKeyAt === undefined) return note(auth, { signedPreKeyAt: Date.now() });
    if (!isPast(signedPreKeyAt, timings.signedPreKeyMs)) return;
    if (!isPast(signedPreKeyTriedAt ?? 0, timings.signedPreKeyRetryMs)) return;
    await note(auth, { signedPreKeyTriedAt: Date.now() });
    const key = await offerSignedPreKey(wa, creds, timings.ackMs);
    // The channel may have been unlinked meanwhile, or be linked anew.
    if (gone.aborted) return;
    Object.assign(creds, { signedPreKey: key });
    await note(auth, { signedPreKeyAt: Date.now() });
    log.info({ event: "signed_pre_key", keyId: key.keyId }, "a new signed pre-key");
  };
  const look = () => {
    if (isRotating) return;
    isRotating = true;
    rotate()
      .catch((error: unknown) =>
        log.warn({ event: "signed_pre_key", ...errorTrace(error) }, "tried again tomorrow"),
      )
      .finally(() => {
        isRotating = false;
      });
  };
  const looking = setInterval(look, timings.rotationLookMs);
  gone.addEventListener("abort", () => clearInterval(looking), { once: true });
}

function isPast(at: number, ms: number): boolean {
  return Date.now() - at >= ms;
}

/** Durable when it resolves. Not by Baileys' event, which makes it send a presence. */
async function note(auth: RotationOptions["auth"], times: RotationTimes): Promise<void> {
  const { creds } = auth.state;
  creds.additionalData = { ...creds.additionalData, ...times };
  auth.save();
  await auth.flush();
}

/** Baileys' own takes silence for a yes, and would keep a key that WhatsApp has never seen. */
async function offerSignedPreKey(
  wa: Pick<WASocket, "query">,
  creds: AuthenticationCreds,
  answerMs: number,
): Promise<AuthenticationCreds["signedPreKey"]> {
  const key = signedKeyPair(creds.signedIdentityKey, creds.signedPreKey.keyId + 1);
  const attrs = { to: "@s.whatsapp.net", type: "set", xmlns: "encrypt" };
  const content = [{ tag: "rotate", attrs: {}, content: [xmppSignedPreKey(key)] }];
  const answer: BinaryNode | undefined = await wa.query({ tag: "iq", attrs, content }, answerMs);
  if (!answer) throw new Error("WhatsApp did not answer");
  return key;
}
