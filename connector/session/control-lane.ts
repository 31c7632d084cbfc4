import type { CommandDocument } from "#shared/collections.ts";
import { commandTable } from "#shared/commands.ts";
import { publicError, ServiceError } from "#shared/errors.ts";
import { parseWith } from "#shared/validation.ts";
import type { CommandQueue } from "../commands/command-queue.ts";
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
  /** Call it when there may be commands; `isOne` says that one was just queued. */
  ring(isOne?: boolean): void;
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
  /** Whether a look at the queue would be in vain: there is a command. */
  let isExpected = false;
  const stopping = Promise.withResolvers<void>();
  const stopped = stopping.promise.then(() => Promise.reject(new PostponedError()));
  stopped.catch(() => undefined);
  const context: ControlContext = {
    ...options,
    until: (test, limit) => Promise.race([machineRunner.until(test, limit), stopped]),
    erase: () => Promise.race([options.erase(), stopped]),
  };

  const execute = async (command: CommandDocument) => {
    const settlement = await handle(command, context);
    // The session ended meanwhile: the command stays as it is, and the next owner rescues it.
    if (!scope.isOwner()) return;
    if (!settlement) return queue.unclaim([command._id]);
    // An erasure settles the command that asked for it.
    const isErased = command.type === "channel.delete" && settlement.state === "succeeded";
    if (!isErased) await queue.settle(command._id, settlement);
    // The code may have been used, or lost, before it was in the result.
    const isCodeGone = machineRunner.machine().code?.kind !== "code";
    if (command.type === "channel.request_pairing_code" && isCodeGone) await queue.forgetPairingCodes();
  };
  const loop = createWorkLoop({
    mayWork: scope.isOwner,
    async pass() {
      if (running.size >= runningMax) await Promise.race(running);
      if (!loop.mayWork()) return;
      const isGuess = !isExpected;
      isExpected = false;
      if (isGuess && !(await queue.look()).hasQueued) return;
      const claimed = await queue.claim([0], batchMax);
      for (const command of claimed) {
        const done = execute(command).catch(scope.fail);
        const tracked = done.finally(() => running.delete(tracked));
        running.add(tracked);
        if (!isSlow(command.type)) await tracked;
      }
      // A command that must be claimed alone leaves others in the queue.
      if (claimed.length > 0) ring(true);
    },
    onError: scope.fail,
  });

  const ring = (isOne = false) => {
    isExpected ||= isOne;
    loop.ring();
  };

  return {
    ring,
    async stop() {
      stopping.resolve();
      await loop.stop();
      await Promise.all(running);
    },
  };
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
