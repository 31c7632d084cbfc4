import { readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { EmbeddedMongoError } from "./embedded-mongo-error.ts";

/** What is remembered beside the data: the version of the server that wrote it, and the port it last listened on. */
export type DataStamp = { version: string; port: number };

const fileName = "mongodb.json";

/**
 * The stamp of a data folder, `undefined` when it has none.
 * @throws EmbeddedMongoError `data_unreadable` when there is one that cannot be read: guessing could open the data with the wrong server
 */
export async function readStamp(dataDir: string): Promise<DataStamp | undefined> {
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
      `${path} does not hold the server version and port that it should, like {"version":"6.0.5","port":27017}: ` +
        "restore it, or start with another DATA_DIR.",
    );
  return stamp;
}

function parse(content: string): DataStamp | undefined {
  try {
    const { version, port } = JSON.parse(content);
    return typeof version === "string" && typeof port === "number" ? { version, port } : undefined;
  } catch {
    return undefined;
  }
}

/** Replaces the stamp, whole or not at all. */
export async function writeStamp(dataDir: string, stamp: DataStamp): Promise<void> {
  const path = join(dataDir, fileName);
  await writeFile(`${path}.new`, `${JSON.stringify(stamp)}\n`, { mode: 0o600 });
  await rename(`${path}.new`, path);
}
