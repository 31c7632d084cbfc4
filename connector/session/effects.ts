import type { Db } from "mongodb";
import type { Collections } from "#shared/database.ts";
import { ServiceError } from "#shared/errors.ts";
import type { Logger } from "#shared/log.ts";
import type { AuthState } from "../auth/auth-state.ts";
import { eraseCredentials } from "../auth/erase-credentials.ts";
import type { Connection } from "../connection/connection.ts";
import type { Effect, Signal } from "../machine/machine.ts";
import type { Fence } from "../ownership/fence.ts";
import { countPairingRequest } from "./pairing-limit.ts";

/** Carries out the effects that the machine asks for. */
export interface Effects {
  /** `saved` resolves when the step that wants the effect is stored; absent when it is. */
  perform(effect: Effect, saved?: Promise<void>): Promise<void>;
  /** Cancels a scheduled retry. */
  cancel(): void;
}

export interface EffectsOptions {
  db: Db;
  collections: Pick<Collections, "pairingRequests">;
  fence: Fence;
  /** Null when the credentials cannot be read. */
  auth: AuthState | null;
  connection: Connection;
  signal(signal: Signal): void;
  log: Logger;
}

export function createEffects(options: EffectsOptions): Effects {
  const { db, collections, fence, auth, connection, signal, log } = options;
  let retry: NodeJS.Timeout | null = null;

  const cancel = () => {
    if (retry) clearTimeout(retry);
    retry = null;
  };
  /** Counts each request here, because the machine asks once for each of a person's requests, when it has a socket. */
  const requestCode = async (phoneNumber: string) => {
    try {
      await countPairingRequest(collections, phoneNumber);
      connection.requestCode(phoneNumber);
    } catch (error) {
      if (!(error instanceof ServiceError)) throw error;
      await connection.close();
      signal({ type: "closed", reason: { kind: "pairing_failed" }, code: 429 });
    }
  };
  const schedule = (delayMs: number) => {
    cancel();
    retry = setTimeout(() => signal({ type: "retry" }), delayMs);
  };

  return {
    async perform(effect, saved) {
      switch (effect.type) {
        case "open_socket":
          return connection.open(saved);
        case "close_socket":
          return connection.close();
        case "unlink_device":
          return connection.unlink();
        case "report_unconfirmed":
          return void log.warn(
            { event: "unlink_unconfirmed", cause: effect.cause },
            "WhatsApp never confirmed that the device is removed: if the phone still lists it, remove it there",
          );
        case "erase_credentials":
          return auth ? auth.erase() : eraseCredentials(db, fence);
        case "request_code":
          return requestCode(effect.phoneNumber);
        case "schedule_retry":
          return schedule(effect.delayMs);
        case "cancel_retry":
          return cancel();
        case "remember_account":
        case "drop_wish":
          // Stored with the step, as fields of the channel's document.
          return;
      }
    },
    cancel,
  };
}
