import type { Logger } from "#shared/log.ts";
import type { Asset } from "./assets.ts";
import type { EventDoorbell } from "./events/event-doorbell.ts";
import type { ResultWaiter } from "./results/results.ts";
import type { Store } from "./store/store.ts";

/** What of the settings decides how the app answers. */
export interface AppSettings {
  /** Origins beside our own that browsers may call from. */
  frontendOrigins: readonly string[];
  /** How long a send may wait before it is carried out. */
  sendTtlSeconds: number;
  /** `host` or `host:port` that `mediaUrl` may name although private or plain http. */
  mediaAllowHosts: readonly string[];
}

/** Everything the app is made of. */
export interface Dependencies {
  store: Store;
  results: ResultWaiter;
  /** Unless given, who waits for events looks for them now and then. */
  eventDoorbell?: EventDoorbell;
  settings: AppSettings;
  /** The console's files by their path, such as `/index.html`; may be empty. */
  assets: ReadonlyMap<string, Asset>;
  /** The simulated phone of the simulated WhatsApp, when there is one: the console links to it. */
  sandboxUrl?: string;
  /** Tells a connector in this process that the channel has a new command; it would find it anyway. */
  ring?: (channelId: string) => void;
  log: Logger;
}
