import { useEffect, useReducer, useRef, useState } from "preact/hooks";
import { usePage } from "./page-context.ts";
import { asRequestError, type RequestError } from "./request-error.ts";
import { channelInHash } from "./route.ts";
import type { State } from "./state.ts";
import type { Store } from "./store.ts";

export function useStore(store: Store): State {
  const [, redraw] = useReducer((count: number) => count + 1, 0);
  useEffect(() => store.onChange(() => redraw(undefined)), [store]);
  return store.state;
}

/** The id of the channel in the address bar, or null. */
export function useRoute(): string | null {
  const [hash, setHash] = useState(location.hash);
  useEffect(() => {
    const changed = () => setHash(location.hash);
    addEventListener("hashchange", changed);
    return () => removeEventListener("hashchange", changed);
  }, []);
  return channelInHash(hash);
}

/** The server's time in milliseconds, updated every second. */
export function useNow(): number {
  const { clock } = usePage();
  const [now, setNow] = useState(clock.now);
  useEffect(() => {
    const timer = setInterval(() => setNow(clock.now()), 1000);
    return () => clearInterval(timer);
  }, [clock]);
  return now;
}

export interface Task {
  isBusy: boolean;
  error: RequestError | null;
  /** Runs `work` unless the task is busy. Resolves to true if it succeeded. */
  run: (work: () => Promise<unknown>) => Promise<boolean>;
}

/** Runs one operation at a time, and exposes its progress and error for display. */
export function useTask(): Task {
  const [isBusy, setIsBusy] = useState(false);
  const [error, setError] = useState<RequestError | null>(null);
  // The state is that of the last drawing: two clicks can come between two drawings.
  const isRunning = useRef(false);
  async function run(work: () => Promise<unknown>): Promise<boolean> {
    if (isRunning.current) return false;
    isRunning.current = true;
    setIsBusy(true);
    setError(null);
    try {
      await work();
      return true;
    } catch (cause) {
      setError(asRequestError(cause));
      return false;
    } finally {
      isRunning.current = false;
      setIsBusy(false);
    }
  }
  return { isBusy, error, run };
}
