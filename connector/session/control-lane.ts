import type { CommandDocument } from "#shared/collections.ts";
import {
  type CommandPayload,
  type CommandResults,
  type CommandType,
  commandTable,
  commandTypes,
} from "#shared/commands.ts";
import type { Collections } from "#shared/database.ts";
import { publicError, ServiceError } from "#shared/errors.ts";
import { parseWith } from "#shared/validation.ts";
import type { CommandQueue } from "../commands/command-queue.ts";
import type { Settlement } from "../commands/settlement.ts";
import { type MachineState, type PairingCode, type PairingMethod, publicStatus } from "../machine/machine.ts";
import type { ChannelStore } from "./channel-store.ts";
import type { MachineRunner } from "./machine-runner.ts";
import { assertPairingAllowed } from "./pairing-limit.ts";

type ControlType = Exclude<CommandType, "message.send">;

/** Lane 0: what changes the channel itself, beside the sender, so that a logout is not behind an upload. */
export interface ControlLane {
  ring(): void;
  /** Claims nothing more, and resolves when what runs has been answered. */
  stop(): Promise<void>;
}

export interface ControlLaneOptions {
  queue: CommandQueue;
  machineRunner: MachineRunner;
  channelStore: Pick<ChannelStore, "setWish">;
  db: Pick<Collections, "pairingRequests">;
  isLinked(): boolean;
  isOwner(): boolean;
  /** Unlinks if it can, and removes everything; the session ends with it. */
  erase(): Promise<void>;
  onError(error: unknown): void;
}

const controlTypes = commandTypes.filter((type) => type !== "message.send");

type Handler<T extends ControlType> = (payload: CommandPayload<T>) => Promise<CommandResults[T]>;

const batchMax = 8;
/** How long a pairing code or an unlinking may take: longer than a socket is given to connect. */
const slowMs = 90_000;

export function createControlLane(options: ControlLaneOptions): ControlLane {
  const { queue, machineRunner, channelStore, db, isLinked, isOwner } = options;
  const running = new Set<Promise<void>>();
  const stopping = Promise.withResolvers<void>();
  let isStopping = false;
  let isDirty = false;
  let working: Promise<void> | null = null;

  /** What is refused is not wished for either; what is under way goes on. */
  const assertAllowed = async (phoneNumber: string) => {
    try {
      await assertPairingAllowed(db, phoneNumber);
    } catch (error) {
      if (!isPairing(machineRunner.machine())) await channelStore.setWish("disconnected");
      throw error;
    }
  };
  const start = async (method: PairingMethod) => {
    if (!isLinked() && method.kind === "code") await assertAllowed(method.phoneNumber);
    await channelStore.setWish("connected");
    await machineRunner.dispatch({ type: "start", method });
  };
  const until = async (test: (machine: MachineState) => boolean, ms: number) => {
    const stopped = stopping.promise.then(() => Promise.reject(new PostponedError()));
    return Promise.race([machineRunner.until(test, ms), stopped]);
  };
  const handlers: { [T in ControlType]: Handler<T> } = {
    async "channel.connect"({ phoneNumber }) {
      if (isShowingCode(machineRunner.machine())) return { status: publicStatus(machineRunner.machine()) };
      await start(phoneNumber ? { kind: "code", phoneNumber } : { kind: "qr" });
      return { status: publicStatus(machineRunner.machine()) };
    },
    async "channel.request_pairing_code"({ phoneNumber }) {
      if (isLinked()) throw new ServiceError("already_linked");
      const before = machineRunner.machine().code;
      await start({ kind: "code", phoneNumber });
      const after = await until((machine) => isNewCode(machine, before) || !isPairing(machine), slowMs);
      const code = after && isNewCode(after, before) ? after.code : null;
      if (!code) throw noCode(after);
      return { code: code.text, expiresAt: new Date(code.expiresAt).toISOString() };
    },
    async "channel.disconnect"() {
      await machineRunner.dispatch({ type: "stop" });
      return { status: publicStatus(machineRunner.machine()) };
    },
    async "channel.logout"() {
      await machineRunner.dispatch({ type: "unlink" });
      const after = await until(({ state }) => state === "logged_out", slowMs);
      // WhatsApp cannot be reached; the wish to be unlinked stays in the queue until it can.
      if (!after) throw new PostponedError();
      return { status: publicStatus(after) };
    },
    async "channel.delete"() {
      await options.erase();
      return {};
    },
  };

  const execute = async (command: CommandDocument) => {
    const settlement = await carryOut(handlers, command);
    // Ended in the middle: it stays as it is, and the next owner takes it up again.
    if (!isOwner()) return;
    if (!settlement) return queue.unclaim([command._id]);
    const isErased = command.type === "channel.delete" && settlement.state === "succeeded";
    if (!isErased) await queue.settle(command._id, settlement);
  };
  const work = async () => {
    while (isDirty && !isStopping && isOwner()) {
      isDirty = false;
      const claimed = await queue.claim([0], batchMax);
      for (const command of claimed) {
        const done = execute(command).catch(options.onError);
        const tracked = done.finally(() => running.delete(tracked));
        running.add(tracked);
        if (!isSlow(command.type)) await tracked;
      }
      // Fewer than there are, when one of them goes alone.
      isDirty ||= claimed.length > 0;
    }
    working = null;
  };

  return {
    ring() {
      isDirty = true;
      working ??= Promise.resolve()
        .then(work)
        .catch((error: unknown) => {
          working = null;
          options.onError(error);
        });
    },
    async stop() {
      isStopping = true;
      stopping.resolve();
      await working;
      await Promise.all(running);
    },
  };
}

/** These wait for WhatsApp; what comes behind them may be the wish to stop. */
function isSlow(type: string): boolean {
  return type === "channel.request_pairing_code" || type === "channel.logout" || type === "channel.delete";
}

/** What is not done yet and not given up: it goes back to the queue. */
class PostponedError extends Error {
  override readonly name = "PostponedError";
}

/** Connecting again leaves a code that somebody may be typing as it is; only asking for a code makes a new one. */
function isShowingCode({ state, method }: MachineState): boolean {
  return state === "pairing_code_ready" || (state === "connecting" && method.kind === "code");
}

function noCode(after: MachineState | null): ServiceError {
  if (!after || isPairing(after))
    return new ServiceError("internal", "WhatsApp gave no pairing code in time");
  if (after.state !== "error") return new ServiceError("cancelled", "Another command ended the pairing");
  return new ServiceError("whatsapp_rejected", "WhatsApp gave no pairing code", {
    details: { reason: after.reason },
  });
}

function isNewCode({ code }: MachineState, before: PairingCode | null): boolean {
  return code?.kind === "code" && code !== before;
}

function isPairing({ state }: MachineState): boolean {
  return (
    state === "connecting" || state === "qr_ready" || state === "pairing_code_ready" || state === "waiting"
  );
}

async function carryOut(
  handlers: { [T in ControlType]: Handler<T> },
  command: CommandDocument,
): Promise<Settlement | null> {
  try {
    const type = controlTypes.find((one) => one === command.type);
    if (!type) throw new ServiceError("invalid_command", "No such command is carried out in this lane");
    const payload = parseWith(commandTable[type].payload, command.payload, "invalid_command");
    const result = await (handlers[type] as (payload: unknown) => Promise<object>)(payload);
    return { state: "succeeded", result: { ...result } };
  } catch (error) {
    if (error instanceof PostponedError) return null;
    if (error instanceof ServiceError) return { state: "failed", error: publicError(error) };
    throw error;
  }
}
