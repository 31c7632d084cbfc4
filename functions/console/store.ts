import { type Action, initialState, reduce, type State } from "./state.ts";

/** Holds the page's state and notifies listeners of changes. */
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
    /** Returns a function that removes the listener. */
    onChange(listener: () => void): () => void {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

export type Store = ReturnType<typeof createStore>;
