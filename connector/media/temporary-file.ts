import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A path in a folder that only this user can read. Disposal removes both. */
export interface TemporaryFile extends AsyncDisposable {
  path: string;
}

export async function temporaryFile(): Promise<TemporaryFile> {
  const folder = await mkdtemp(join(tmpdir(), "waypost-media-"));
  return {
    path: join(folder, "media"),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}
