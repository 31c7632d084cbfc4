import { createContext } from "preact";
import { useContext } from "preact/hooks";
import type { Actions } from "./actions.ts";
import type { ConsoleInfo } from "./answers.ts";
import type { Clock } from "./countdown.ts";

/** Shared by every component of the page. */
export interface Page {
  actions: Actions;
  clock: Clock;
  info: ConsoleInfo;
}

export const PageContext = createContext<Page | null>(null);

export function usePage(): Page {
  const page = useContext(PageContext);
  if (!page) throw new Error("usePage needs a PageContext.Provider");
  return page;
}
