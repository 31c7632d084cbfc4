import { join } from "node:path";
import { freePort } from "#infra/mongo/free-port.ts";
import type { BenchDatabase } from "./database.ts";
import { Program, plainNode } from "./program.ts";

export interface BareOptions {
  name: string;
  whatsapp: { websocketUrl: string; rootKey: string };
  folder: string;
  /** Where it writes the rows that Waypost's promises need at least; null: nowhere. */
  database: BenchDatabase | null;
}

const main = new URL("./bare.child.ts", import.meta.url);

/** Starts bare Baileys behind a minimal HTTP server, on Node. */
export async function startBare({ name, whatsapp, folder, database }: BareOptions): Promise<Program> {
  const port = await freePort(undefined);
  const env = {
    PORT: String(port),
    WEBSOCKET_URL: whatsapp.websocketUrl,
    ROOT_KEY: whatsapp.rootKey,
    DUMP: join(folder, `${name}-${port}.json`),
    NODE_ENV: "production",
    ...(database && { MONGO_URI: database.uri(`floor-${port}`) }),
  };
  return Program.start({
    name,
    database,
    processes: [{ runtime: plainNode, main, env, url: `http://127.0.0.1:${port}` }],
    beforeKill: (client) => client.dump(),
  });
}
