import { randomBytes, randomUUID } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { newApiKey } from "#shared/api-key.ts";
import { makeDataFolder } from "./data-folder.ts";

/** What an embedded start makes for itself and keeps in its data folder, mode 0600. */
const makers = {
  "api-key": newApiKey,
  "encryption-key": () => randomBytes(32).toString("base64"),
  "connector-id": randomUUID,
} as const;

export interface Secret {
  value: string;
  path: string;
  /** Made just now. */
  isNew: boolean;
}

/** Reads a secret from the data folder, or makes it there. Throws as `makeDataFolder`. */
export async function dataSecret(dataDir: string, name: keyof typeof makers): Promise<Secret> {
  const path = join(dataDir, name);
  const kept = await readIfPresent(path);
  if (kept) return { value: kept, path, isNew: false };
  const value = makers[name]();
  await makeDataFolder(dataDir);
  // On disk before anything is encrypted with it.
  await writeFile(path, `${value}\n`, { mode: 0o600, flag: kept === null ? "wx" : "w", flush: true });
  return { value, path, isNew: true };
}

const isAbsence = new Set<unknown>(["ENOENT", "ENOTDIR"]);

/** Null when there is no such file. */
async function readIfPresent(path: string): Promise<string | null> {
  try {
    return (await readFile(path, "utf8")).trim();
  } catch (error) {
    if (error instanceof Error && "code" in error && isAbsence.has(error.code)) return null;
    throw error;
  }
}
