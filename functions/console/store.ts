import { type Action, initialState, reduce, type State } from "./state.ts";

/** The one place where the state is, and who wants to know when it changes. */
export function createStore() {
  let state = initialState;
  const listeners = new Set<() => void>();
  return {
    get state(): State {
      return state;
    },
    dispatch(action: Action): void {
      state = reduce(state, action);
      for (const listener of listeners) listener();
    },
    /** Returns how to stop. */
    onChange(listener: () => void): () => void {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

export type Store = ReturnType<typeof createStore>;
