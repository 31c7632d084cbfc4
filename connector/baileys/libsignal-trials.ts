import { createRequire } from "node:module";

/**
 * libsignal tries a message on each session that it has with a device, and a session that does not fit keeps what was
 * tried: its ratchet has been stepped with a foreign key before the MAC is looked at. Another session fits, all are
 * stored, and whatever is written on the spoilt one cannot be read. That happens whenever two devices write to each
 * other for the first time at once, since each begins a session then: 54 of 60 messages (measured). Here a trial that
 * fails leaves the session as it was. Imported after libsignal's queue is bound.
 */
interface Session {
  serialize(): object;
}
type Decrypt = (this: unknown, message: Buffer, session: Session | undefined) => Promise<Buffer>;
interface SessionClass {
  deserialize(kept: object): Session;
}

const undone = Symbol.for("waypost.session-trials");
const here = createRequire(import.meta.url);
const baileys = createRequire(here.resolve("@whiskeysockets/baileys"));
const { prototype } = baileys("libsignal/src/session_cipher.js") as {
  prototype: { doDecryptWhisperMessage: Decrypt };
};

function undoFailedTrials(): void {
  const decrypt = prototype.doDecryptWhisperMessage;
  if (typeof decrypt !== "function") throw new Error("libsignal decrypts in another way than expected.");
  if (undone in decrypt) return;
  const trial: Decrypt = async function (message, session) {
    const before = session?.serialize();
    try {
      return await decrypt.call(this, message, session);
    } catch (error) {
      if (session && before) Object.assign(session, classOf(session).deserialize(before));
      throw error;
    }
  };
  prototype.doDecryptWhisperMessage = Object.assign(trial, { [undone]: true });
}

const classOf = (session: Session): SessionClass => session.constructor as unknown as SessionClass;

undoFailedTrials();
