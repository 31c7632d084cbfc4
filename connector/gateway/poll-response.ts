import { ServerResponse } from "node:http";
import type { EngineConnection } from "./unsent.ts";

/**
 * The last response to a poll. Engine.IO takes it for sent as soon as it is written, so a client that never reads could
 * collect them, each over a connection of its own.
 */
export class PollResponse {
  #last: ServerResponse | null = null;

  /** Calls `overtaken` when there is a further response while the client has not taken the last one, which it ends. */
  constructor(conn: EngineConnection, overtaken: () => void) {
    conn.on("flush", () => {
      const response: unknown = Reflect.get(conn.transport, "res");
      if (!(response instanceof ServerResponse)) return;
      const last = this.#last;
      this.#last = response;
      if (!last || !isUntaken(last)) return;
      last.destroy();
      // Engine.IO is about to write the further response.
      setImmediate(overtaken);
    });
  }

  /** Ends the response if the client has not taken it. */
  destroy(): void {
    if (this.#last && isUntaken(this.#last)) this.#last.destroy();
  }
}

function isUntaken(response: ServerResponse): boolean {
  return response.headersSent && !response.writableFinished && !response.destroyed;
}
