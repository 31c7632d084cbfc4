/** Declares what the app is made of, so that each platform can bring its own. */

import type { ChangeReports } from "#shared/change-hub.ts";
import type { LocalConnector } from "#shared/local-connector.ts";
import type { Logger } from "#shared/log.ts";
import type { Asset } from "./assets.ts";
import type { EventDoorbell } from "./events/event-doorbell.ts";
import type { ResultWaiter } from "./results/results.ts";
import type { Store } from "./store/store.ts";

/** The settings that decide how the app answers. */
export interface AppSettings {
  /** Origins besides our own that browsers may call from. */
  frontendOrigins: readonly string[];
  /** How many proxies stand in front. */
  trustProxy: number;
  /** How long a send may wait before it expires. */
  sendTtlSeconds: number;
  /** `host` or `host:port` that `mediaUrl` may name although it is private or plain http. */
  mediaAllowHosts: readonly string[];
}

export interface Dependencies {
  store: Store;
  results: ResultWaiter;
  /** Defaults to polling. */
  eventDoorbell?: EventDoorbell;
  settings: AppSettings;
  /** The console's files by path, such as `/index.html`; empty before the console is built. */
  assets: ReadonlyMap<string, Asset>;
  /** The sandbox's simulated phone, for the console to link to. */
  sandboxUrl?: string;
  /** Tells the connector in this process about a new command. Its sweep would find the command anyway. */
  ring?: ChangeReports["commandQueued"];
  /** Tells what the connector in this process knows of its channels. */
  ownedChannel?: LocalConnector["ownedChannel"];
  log: Logger;
}
