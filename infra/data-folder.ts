import { access, constants, mkdir } from "node:fs/promises";
import { ConfigError } from "../shared/config.ts";

/** Makes the data folder if it is missing, for its owner alone. Throws `ConfigError` when it cannot be written to. */
export async function makeDataFolder(dataDir: string): Promise<void> {
  try {
    await mkdir(dataDir, { recursive: true, mode: 0o700 });
    await access(dataDir, constants.W_OK);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new ConfigError([`DATA_DIR cannot be used: ${reason}`]);
  }
}
