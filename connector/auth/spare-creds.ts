import { type AuthenticationCreds, initAuthCreds } from "../baileys/baileys.ts";

/*
 * Making the keys of a device takes the processor for 2 to 7 ms (measured). One set is made while something else is waited for, and
 * used once.
 */
let spare: AuthenticationCreds | null = null;

/** Makes credentials for the next `takeCreds`, once the present turn of the event loop has sent what it asks for. */
export function prepareCreds(): void {
  setImmediate(() => {
    spare ??= initAuthCreds();
  });
}

/** The credentials of a new device: each call returns others. */
export function takeCreds(): AuthenticationCreds {
  const creds = spare ?? initAuthCreds();
  spare = null;
  return creds;
}
