import type { AuthenticationCreds } from "../baileys/baileys.ts";

/** Stored with the credentials, and absent once WhatsApp has accepted a login with them. */
interface FirstLogin {
  isFirstLoginDue?: true;
}

/** Marks the credentials of a device that a phone accepts: they prove nothing until WhatsApp has accepted a login. */
export function expectFirstLogin(creds: AuthenticationCreds): void {
  creds.additionalData = { ...creds.additionalData, isFirstLoginDue: true } satisfies FirstLogin;
}

/** Returns whether this was the first. */
export function acceptFirstLogin(creds: AuthenticationCreds): boolean {
  if (!isFirstLoginDue(creds)) return false;
  creds.additionalData = { ...creds.additionalData, isFirstLoginDue: undefined };
  return true;
}

/** Whether WhatsApp may have never received the confirmation of the link. */
export function isFirstLoginDue({ additionalData }: AuthenticationCreds): boolean {
  return (additionalData as FirstLogin | undefined)?.isFirstLoginDue === true;
}
