import type { CommandDocument } from "#shared/collections.ts";
import { commandTable } from "#shared/commands.ts";
import { publicError, ServiceError } from "#shared/errors.ts";
import { parseWith } from "#shared/validation.ts";
import { type CommandQueue, pairingTypes } from "../commands/command-queue.ts";
import type { Settlement } from "../commands/settlement.ts";
import { createWorkLoop } from "../concurrency/work-loop.ts";
import type { SessionScope } from "../session-scope.ts";
import {
  type ControlContext,
  type ControlType,
  controlHandlers,
  PostponedError,
  slowControls,
} from "./control-handlers.ts";
import type { MachineRunner } from "./machine-runner.ts";

/** Works on lane 0, the commands that change the channel itself. Runs beside the sender, so that no upload delays a logout. */
export interface ControlLane {
  /** Call it when this command was just queued, or without one when there may be any. */
  ring(commandId?: string): void;
  /**
   * Claims the first command, for which the channel was probably taken: the first pass carries it out. Resolves to whether there is
   * one that links the channel; `done` resolves when the first one is carried out. Call it before `ring`.
   */
  claimFirst(): Promise<{ isPairing: boolean; done: Promise<void> }>;
  /** Whether no command is known to wait or to run. */
  isIdle(): boolean;
  /** Claims no more commands. Resolves when the running ones are settled or queued again. */
  stop(): Promise<void>;
}

export interface ControlLaneOptions extends Omit<ControlContext, "machineRunner" | "until"> {
  queue: CommandQueue;
  machineRunner: MachineRunner;
}

const batchMax = 8;
/** Commands that wait for WhatsApp beside the others. When there are so many, the next is claimed when one has ended. */
const runningMax = 64;

export function createControlLane(scope: SessionScope, options: ControlLaneOptions): ControlLane {
  const { queue, machineRunner } = options;
  const running = new Set<Promise<void>>();
  /** How many commands were just queued, with the id of the last, and whether there may be others, for which a look is needed. */
  const rung = { ones: 0, last: "", others: false };
  /** Claimed by `claimFirst`. */
  let first: CommandDocument[] = [];
  const firstDone = Promise.withResolvers<void>();
  const stopping = Promise.withResolvers<void>();
  const stopped = stopping.promise.then(() => Promise.reject(new PostponedError()));
  stopped.catch(() => undefined);
  const context = contextOf(options, stopped);
  const execute = async (command: CommandDocument) => {
    const settlement = await handle(command, context);
    // The session ended meanwhile: the command stays as it is, and the next owner rescues it.
    if (!scope.isOwner()) return;
    if (!settlement) return queue.unclaim([command._id]);
    if (!isSettledByErasure(command, settlement)) await queue.settle(command._id, settlement);
    // The code may have been used, or lost, before it was in the result.
    const isCodeGone = machineRunner.machine().code?.kind !== "code";
    if (command.type === "channel.request_pairing_code" && isCodeGone) await queue.forgetPairingCodes();
  };
  const loop = createWorkLoop({
    mayWork: scope.isOwner,
    async pass() {
      if (running.size >= runningMax) await Promise.race(running);
      if (!loop.mayWork()) return;
      for (const command of await claimNext()) {
        const done = execute(command).catch(scope.fail);
        const tracked = done.finally(() => running.delete(tracked));
        running.add(tracked);
        firstDone.resolve(tracked);
        if (!isSlow(command.type)) await tracked;
      }
      firstDone.resolve();
    },
    onError: scope.fail,
  });
  /** Looks for what is due, or takes the one command that was just queued without a look. */
  const claimNext = async (): Promise<CommandDocument[]> => {
    if (first.length > 0) {
      // The next pass looks for the others that were rung for.
      loop.ring();
      return first.splice(0);
    }
    const { last } = rung;
    const isOne = rung.ones === 1 && !rung.others;
    const isGuess = rung.ones === 0;
    Object.assign(rung, { ones: 0, others: false });
    if (isGuess && !(await queue.look()).hasQueued) return [];
    const one = isOne ? await queue.claimControl() : null;
    // Another one that is due goes first: nobody rings again for the one that was rung for.
    if (one && one[0]?._id !== last) ring();
    if (one) return one;
    const claimed = await queue.claim([0], batchMax);
    // A command that must be claimed alone leaves others in the queue.
    if (claimed.length > 0) ring();
    return claimed;
  };

  const ring = (commandId?: string) => {
    if (commandId) Object.assign(rung, { ones: rung.ones + 1, last: commandId });
    else rung.others = true;
    loop.ring();
  };

  return {
    ring,
    async claimFirst() {
      first = (await queue.claimControl()) ?? [];
      const isPairing = first.some(({ type }) => pairingTypes.some((pairing) => pairing === type));
      return { isPairing: isPairing || (await queue.hasPairing()), done: firstDone.promise };
    },
    isIdle: () => loop.isIdle() && running.size === 0,
    async stop() {
      stopping.resolve();
      await loop.stop();
      await Promise.all(running);
      if (scope.isOwner()) await queue.unclaim(first.splice(0).map(({ _id }) => _id));
    },
  };
}

/** Every wait of a command ends when `stopped` rejects. */
function contextOf(options: ControlLaneOptions, stopped: Promise<never>): ControlContext {
  return {
    ...options,
    until: (test, limit) => Promise.race([options.machineRunner.until(test, limit), stopped]),
    erase: () => Promise.race([options.erase(), stopped]),
  };
}

/** An erasure settles the command that asked for it. */
function isSettledByErasure({ type }: CommandDocument, { state }: Settlement): boolean {
  return type === "channel.delete" && state === "succeeded";
}

function isSlow(type: string): boolean {
  return slowControls.some((slow) => slow === type);
}

/** Resolves to null for a command that is postponed. */
async function handle(command: CommandDocument, context: ControlContext): Promise<Settlement | null> {
  try {
    const { type } = command;
    if (!isControlType(type)) throw new ServiceError("invalid_command", "Unknown control command");
    const result = await run(type, command.payload, context);
    return { state: "succeeded", result: { ...result } };
  } catch (error) {
    if (error instanceof PostponedError) return null;
    if (error instanceof ServiceError) return { state: "failed", error: publicError(error) };
    throw error;
  }
}

function isControlType(type: string): type is ControlType {
  return Object.hasOwn(controlHandlers, type);
}

function run(type: ControlType, unchecked: unknown, context: ControlContext): Promise<object> {
  const payload: unknown = parseWith(commandTable[type].payload, unchecked, "invalid_command");
  const handler = controlHandlers[type] as (context: ControlContext, payload: unknown) => Promise<object>;
  return handler(context, payload);
}
