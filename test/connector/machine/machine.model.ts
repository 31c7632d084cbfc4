import type { CloseReason } from "#connector/machine/close-reason.ts";
import {
  type MachineState,
  newMachine,
  type PairingCode,
  type PairingMethod,
  type PendingUnlink,
  type Signal,
  type StateName,
  type World,
} from "#connector/machine/machine.ts";
import { table } from "#connector/machine/transition-table.ts";

/** Every state, signal and world of the channel machine, for exhaustive tests. */

export const codes: Record<"qr" | "typed", PairingCode> = {
  qr: { kind: "qr", text: "2@one", attempt: 1, of: 6, expiresAt: 1_060_000 },
  typed: { kind: "code", text: "ABCD2345", attempt: 1, of: 1, expiresAt: 1_160_000 },
};

const methods: PairingMethod[] = [{ kind: "qr" }, { kind: "code", phoneNumber: "15550100001" }];

/** A record, so that a new reason does not compile until it is listed here. */
const reasons: { [K in CloseReason["kind"]]: Extract<CloseReason, { kind: K }> } = {
  restart_required: { kind: "restart_required" },
  unlinked: { kind: "unlinked" },
  unlink_unconfirmed: { kind: "unlink_unconfirmed" },
  unpaired: { kind: "unpaired" },
  link_refused: { kind: "link_refused" },
  replaced: { kind: "replaced" },
  lease_lost: { kind: "lease_lost" },
  qr_expired: { kind: "qr_expired" },
  connection_lost: { kind: "connection_lost" },
  server_unavailable: { kind: "server_unavailable" },
  server_untrusted: { kind: "server_untrusted" },
  rate_limited: { kind: "rate_limited", retryAfterMs: 5_000 },
  client_outdated: { kind: "client_outdated" },
  banned: { kind: "banned" },
  temporarily_banned: { kind: "temporarily_banned", forMs: 5_000 },
  pairing_failed: { kind: "pairing_failed" },
  passkey_required: { kind: "passkey_required" },
  credentials_unreadable: { kind: "credentials_unreadable" },
};
export const everyReason: CloseReason[] = Object.values(reasons);

export const everySignal: Signal[] = [
  ...methods.map((method): Signal => ({ type: "start", method })),
  { type: "stop" },
  { type: "unlink", cause: "logout" },
  { type: "unlink", cause: "deletion" },
  { type: "unlinked" },
  { type: "qr", code: codes.qr },
  { type: "code", code: codes.typed },
  { type: "paired" },
  { type: "opened" },
  ...everyReason.map((reason): Signal => ({ type: "closed", reason, code: null })),
  { type: "retry" },
  { type: "interrupt" },
];

const now = 1_000_000;
export const limits: World["limits"] = {
  backoff: { baseMs: 1_000, maxMs: 300_000 },
  replacedPauseMs: 60_000,
  stableMs: 60_000,
  unlinkMaxMs: 86_400_000,
  unlinkRefusedMs: 3_600_000,
};
export const worlds: World[] = [true, false].flatMap((isLinked) =>
  [true, false].map((isWrongAccount) => ({ now, random: 0.5, isLinked, isWrongAccount, limits })),
);

const codeOf: Partial<Record<StateName, PairingCode>> = {
  qr_ready: codes.qr,
  pairing_code_ready: codes.typed,
};

const pairingStates: readonly StateName[] = ["connecting", "qr_ready", "pairing_code_ready"];
const pendingUnlinks: PendingUnlink[] = (["logout", "deletion", "wrong_number"] as const).flatMap((cause) =>
  [now - 1, now - limits.unlinkMaxMs].map((since) => ({ cause, since })),
);

/** The things that can be pending in a state. */
const unlinksOf: Partial<Record<StateName, Array<PendingUnlink | null>>> = {
  connecting: [null, ...pendingUnlinks],
  waiting: [null, ...pendingUnlinks],
  unlinking: pendingUnlinks,
};

/** Every state with every history the table distinguishes; frozen, since a step must not change its input. */
export const everyMachine: MachineState[] = (Object.keys(table) as StateName[]).flatMap((state) =>
  methods.flatMap((method) =>
    [0, 9].flatMap((count) =>
      (unlinksOf[state] ?? [null]).flatMap((unlink) =>
        [null, now - 1, now - 60_000].map((openedAt) =>
          Object.freeze({
            ...newMachine(state),
            method,
            attempt: count,
            restarts: count,
            refusals: count,
            hasAskedForCode: count > 0 && method.kind === "code" && pairingStates.includes(state),
            replacements: count === 0 ? 0 : 1,
            unlink,
            reason: unlink && ("unlinking" as const),
            openedAt,
            code: codeOf[state] ?? null,
            retryAt: state === "waiting" ? now + 1_000 : null,
          }),
        ),
      ),
    ),
  ),
);
