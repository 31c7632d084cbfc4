import type { CommandPayload, CommandResults, CommandType } from "#shared/commands.ts";
import type { Collections } from "#shared/database.ts";
import { ServiceError } from "#shared/errors.ts";
import type { LastDisconnect } from "#shared/events.ts";
import { type MachineState, type PairingCode, type PairingMethod, publicStatus } from "../machine/machine.ts";
import type { ChannelStore } from "./channel-store.ts";
import type { MachineRunner } from "./machine-runner.ts";
import { assertPairingAllowed } from "./pairing-limit.ts";

/** The commands that change the channel itself. */
export type ControlType = Exclude<CommandType, "message.send">;

/** The parts of a session that control handlers work with. */
export interface ControlContext {
  machineRunner: Pick<MachineRunner, "machine" | "lastDisconnect" | "dispatch">;
  channelStore: Pick<ChannelStore, "setWish">;
  db: Pick<Collections, "pairingRequests">;
  isLinked(): boolean;
  /** As `MachineRunner.until`, but throws a `PostponedError` when the lane stops. */
  until: MachineRunner["until"];
  /** As `Erasure.erase`, but throws a `PostponedError` when the lane stops; the session ends with it. */
  erase(): Promise<void>;
}

/** The command is neither done nor failed: it is queued again. */
export class PostponedError extends Error {
  override readonly name = "PostponedError";
}

/** How long a pairing code or an unlinking may take: longer than a socket is given to connect. */
const slowMs = 90_000;

/** WhatsApp's error code for too many pairing codes. */
const rateLimitedCode = 429;

/** One function for each control command. Throws a `ServiceError` that settles the command, or a `PostponedError`. */
export const controlHandlers = {
  "channel.connect": connect,
  "channel.request_pairing_code": requestPairingCode,
  "channel.disconnect": disconnect,
  "channel.logout": logout,
  "channel.delete": erase,
} satisfies {
  [T in ControlType]: (context: ControlContext, payload: CommandPayload<T>) => Promise<CommandResults[T]>;
};

/** These wait for WhatsApp. The lane carries on beside them: the next command may be the one that stops the channel. */
export const slowControls: readonly ControlType[] = [
  "channel.request_pairing_code",
  "channel.logout",
  "channel.delete",
];

async function connect(
  context: ControlContext,
  { phoneNumber }: CommandPayload<"channel.connect">,
): Promise<CommandResults["channel.connect"]> {
  const { machineRunner } = context;
  if (isShowingCode(machineRunner.machine())) return { status: publicStatus(machineRunner.machine()) };
  const after = await start(context, phoneNumber ? { kind: "code", phoneNumber } : { kind: "qr" });
  return { status: publicStatus(after) };
}

async function requestPairingCode(
  context: ControlContext,
  { phoneNumber }: CommandPayload<"channel.request_pairing_code">,
): Promise<CommandResults["channel.request_pairing_code"]> {
  const { machineRunner, isLinked, until } = context;
  if (isLinked()) throw new ServiceError("already_linked");
  const before = machineRunner.machine().code;
  await start(context, { kind: "code", phoneNumber });
  const after = await until((machine) => isNewCode(machine, before) || !isPairing(machine), slowMs);
  const code = after && isNewCode(after, before) ? after.code : null;
  if (!code) throw noCode(after, machineRunner.lastDisconnect());
  return { code: code.text, expiresAt: new Date(code.expiresAt).toISOString() };
}

async function disconnect({ machineRunner }: ControlContext): Promise<CommandResults["channel.disconnect"]> {
  return { status: publicStatus(await machineRunner.dispatch({ type: "stop" })) };
}

async function logout(context: ControlContext): Promise<CommandResults["channel.logout"]> {
  const { machineRunner, until } = context;
  await machineRunner.dispatch({ type: "unlink", cause: "logout" });
  const after = await until(({ unlink }) => unlink === null, slowMs);
  // WhatsApp has not confirmed it: the command stays in the queue until it does.
  if (!after) throw new PostponedError();
  if (after.state === "logged_out") return { status: publicStatus(after) };
  // Another account was being unlinked, and nothing is linked any more.
  if (after.reason === "wrong_number") return logout(context);
  throw new ServiceError("expired", "WhatsApp did not confirm that the device is removed; the link is kept");
}

async function erase(context: ControlContext): Promise<CommandResults["channel.delete"]> {
  await context.erase();
  return {};
}

async function start(context: ControlContext, method: PairingMethod): Promise<MachineState> {
  const { machineRunner, isLinked } = context;
  if (!isLinked() && method.kind === "code") await assertAllowed(context, method.phoneNumber);
  return machineRunner.dispatch({ type: "start", method, isWish: true });
}

/** A refused pairing drops the wish as well, unless another pairing is under way. */
async function assertAllowed(
  { db, machineRunner, channelStore }: ControlContext,
  phoneNumber: string,
): Promise<void> {
  try {
    await assertPairingAllowed(db, phoneNumber);
  } catch (error) {
    if (!isPairing(machineRunner.machine())) await channelStore.setWish("disconnected");
    throw error;
  }
}

/** Connecting again keeps a code that a person may be typing; only `channel.request_pairing_code` makes a new one. */
function isShowingCode({ state, method }: MachineState): boolean {
  return state === "pairing_code_ready" || (state === "connecting" && method.kind === "code");
}

function noCode(after: MachineState | null, lastDisconnect: LastDisconnect | null): ServiceError {
  if (!after || isPairing(after))
    return new ServiceError("internal", "WhatsApp did not send a pairing code in time");
  if (after.reason === "connection_lost")
    return new ServiceError("internal", "WhatsApp did not answer the request for a pairing code");
  if (after.state !== "error") return new ServiceError("cancelled", "Another command ended the pairing");
  const whatsappCode = lastDisconnect?.code ?? null;
  const details = { reason: after.reason, ...(whatsappCode !== null && { whatsappCode }) };
  if (after.reason === "pairing_failed" && whatsappCode === rateLimitedCode)
    return new ServiceError("pairing_rate_limited", undefined, { details });
  return new ServiceError("whatsapp_rejected", "WhatsApp refused to send a pairing code", { details });
}

function isNewCode({ code }: MachineState, before: PairingCode | null): boolean {
  return code?.kind === "code" && code !== before;
}

function isPairing({ state }: MachineState): boolean {
  return (
    state === "connecting" || state === "qr_ready" || state === "pairing_code_ready" || state === "waiting"
  );
}
