import { createRequire } from "node:module";

/**
 * libsignal tries to decrypt a message with each session that it has with a device. A session that does not fit keeps
 * the effects of the trial: its ratchet is stepped with a foreign key before the MAC is checked. When another session
 * fits, all are stored, and messages encrypted in the corrupted one cannot be decrypted. This happens whenever two
 * devices first write to each other at the same time, since both start a session: 54 of 60 messages (measured). This
 * module makes a failed trial leave the session as it was. It is imported after libsignal's queue is bound.
 */
interface Session {
  serialize(): object;
}
type Decrypt = (this: unknown, message: Buffer, session: Session | undefined) => Promise<Buffer>;
interface SessionClass {
  deserialize(kept: object): Session;
}

const patched = Symbol.for("waypost.libsignal-trials");
const here = createRequire(import.meta.url);
const baileys = createRequire(here.resolve("@whiskeysockets/baileys"));
const { prototype } = baileys("libsignal/src/session_cipher.js") as {
  prototype: { doDecryptWhisperMessage: Decrypt };
};

function undoFailedTrials(): void {
  const decrypt = prototype.doDecryptWhisperMessage;
  if (typeof decrypt !== "function")
    throw new Error("libsignal's session cipher has no doDecryptWhisperMessage.");
  if (patched in decrypt) return;
  const trial: Decrypt = async function (message, session) {
    const before = session?.serialize();
    try {
      return await decrypt.call(this, message, session);
    } catch (error) {
      if (session && before) Object.assign(session, classOf(session).deserialize(before));
      throw error;
    }
  };
  prototype.doDecryptWhisperMessage = Object.assign(trial, { [patched]: true });
}

const classOf = (session: Session): SessionClass => session.constructor as unknown as SessionClass;

undoFailedTrials();
