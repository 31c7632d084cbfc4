import type { AuthenticationCreds } from "../baileys/baileys.ts";

/** Stored with the credentials, and absent once WhatsApp has accepted a login with them. */
interface FirstLogin {
  isFirstLoginDue?: true;
}

/** Marks the credentials of a device that a phone accepts: they prove nothing until WhatsApp has accepted a login. */
export function expectFirstLogin(creds: AuthenticationCreds): void {
  creds.additionalData = { ...creds.additionalData, isFirstLoginDue: true } satisfies FirstLogin;
}

/** Call it when WhatsApp has accepted a login, before the credentials are stored the next time. */
export function acceptFirstLogin(creds: AuthenticationCreds): void {
  if (!isFirstLoginDue(creds)) return;
  creds.additionalData = { ...creds.additionalData, isFirstLoginDue: undefined };
}

/** Whether WhatsApp may have never received the confirmation of the link. */
export function isFirstLoginDue({ additionalData }: AuthenticationCreds): boolean {
  return (additionalData as FirstLogin | undefined)?.isFirstLoginDue === true;
}
