import { createRequire } from "node:module";

interface WhisperMessage {
  ephemeralKey: Uint8Array;
  counter: number;
}

const { WhisperMessage, PreKeyWhisperMessage } = createRequire(import.meta.url)(
  "libsignal/src/protobufs.js",
) as {
  WhisperMessage: { decode(bytes: Uint8Array): WhisperMessage };
  PreKeyWhisperMessage: { decode(bytes: Uint8Array): { message: Uint8Array } };
};

const macBytes = 8;

/** `<ephemeral key>:<counter>` of an encrypted message. It must never repeat: one key would encrypt two messages. */
export function ratchetPosition(type: "pkmsg" | "msg", ciphertext: Uint8Array): string {
  const message = type === "pkmsg" ? PreKeyWhisperMessage.decode(ciphertext.subarray(1)).message : ciphertext;
  const { ephemeralKey, counter } = WhisperMessage.decode(message.subarray(1, -macBytes));
  return `${Buffer.from(ephemeralKey).toString("base64")}:${counter}`;
}
