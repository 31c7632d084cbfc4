import { createContext } from "preact";
import { useContext } from "preact/hooks";
import type { Actions } from "./actions.ts";
import type { ConsoleInfo } from "./answers.ts";
import type { Clock } from "./countdown.ts";

/** What every part of the page may use. */
export interface Page {
  actions: Actions;
  clock: Clock;
  info: ConsoleInfo;
}

export const PageContext = createContext<Page | null>(null);

export function usePage(): Page {
  const page = useContext(PageContext);
  if (!page) throw new Error("rendered outside of the page");
  return page;
}
