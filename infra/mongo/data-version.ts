import { readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { EmbeddedMongoError } from "./embedded-mongo-error.ts";

/** Stored next to the data: the version of the server that wrote it, and the port it last listened on. */
export type DataVersion = { version: string; port: number };

const fileName = "mongodb.json";

/**
 * Reads the stamp of a data folder; `undefined` if it has none.
 * @throws EmbeddedMongoError `data_unreadable` when it is damaged: a guess could open the data with the wrong server
 */
export async function readDataVersion(dataDir: string): Promise<DataVersion | undefined> {
  const path = join(dataDir, fileName);
  const content = await readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined;
    throw error;
  });
  if (content === undefined) return undefined;
  const stamp = parse(content);
  if (stamp === undefined)
    throw new EmbeddedMongoError(
      "data_unreadable",
      `${path} is damaged: it must hold the server's version and port, like {"version":"6.0.5","port":27017}. ` +
        "Restore it, or set DATA_DIR to another folder.",
    );
  return stamp;
}

function parse(content: string): DataVersion | undefined {
  try {
    const { version, port } = JSON.parse(content);
    return typeof version === "string" && typeof port === "number" ? { version, port } : undefined;
  } catch {
    return undefined;
  }
}

/** Replaces the stamp atomically. */
export async function writeDataVersion(dataDir: string, stamp: DataVersion): Promise<void> {
  const path = join(dataDir, fileName);
  await writeFile(`${path}.new`, `${JSON.stringify(stamp)}\n`, { mode: 0o600 });
  await rename(`${path}.new`, path);
}
