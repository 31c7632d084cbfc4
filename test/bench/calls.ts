import type { ChildProcess } from "node:child_process";

/** The functions that a child process offers to its parent, by name. */
export type Offers = Record<string, (...values: never[]) => unknown>;

type Question = { id: number; name: string; values: unknown[] };
type Answer = { id: number; value?: unknown; error?: string };

/** In the child: answers its parent's calls. */
export function offer(offers: Offers): void {
  process.on("message", async ({ id, name, values }: Question) => {
    const answer: Answer = { id };
    try {
      answer.value = await (offers[name] as (...values: unknown[]) => unknown)(...values);
    } catch (error) {
      answer.error = error instanceof Error ? (error.stack ?? error.message) : String(error);
    }
    process.send?.(answer);
  });
}

/** In the parent: calls a function of the child, over Node's channel between processes. */
export type Call<O extends Offers> = <N extends keyof O & string>(
  name: N,
  ...values: Parameters<O[N]>
) => Promise<Awaited<ReturnType<O[N]>>>;

export function callsTo<O extends Offers>(child: ChildProcess): Call<O> {
  const waiting = new Map<number, PromiseWithResolvers<unknown>>();
  let last = 0;
  child.on("message", ({ id, value, error }: Answer) => {
    const call = waiting.get(id);
    waiting.delete(id);
    if (error === undefined) call?.resolve(value);
    else call?.reject(new Error(error));
  });
  child.once("exit", () => {
    for (const call of waiting.values()) call.reject(new Error("the process has exited"));
  });
  const call = (name: string, ...values: unknown[]) => {
    const answered = Promise.withResolvers<unknown>();
    waiting.set(++last, answered);
    child.send({ id: last, name, values } satisfies Question);
    return answered.promise;
  };
  return call as Call<O>;
}
