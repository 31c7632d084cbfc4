import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { findServer } from "#infra/mongo/find-server.ts";
import { silentProgress } from "#infra/mongo/progress.ts";
import { temporaryFolder } from "#test/support/temporary-folder.ts";

test("no program that looks for a mongod, or downloads one, gets a key", async ({ skip }) => {
  if (process.platform === "win32") skip("the stand-in programs are shell scripts");
  await using folder = await temporaryFolder();
  const seen = join(folder.path, "seen");
  const script = `#!/bin/sh\n{ echo "$0"; /usr/bin/env; } >> "${seen}"\nexit 1\n`;
  for (const name of ["mongod", "python3"]) await writeFile(join(folder.path, name), script, { mode: 0o755 });
  const env = {
    PATH: folder.path,
    XDG_CACHE_HOME: folder.path,
    MONGOMS_DOWNLOAD_MIRROR: "https://127.0.0.1:1",
    API_KEY: "hidden",
    ENCRYPTION_KEY: "hidden",
  };
  const signal = AbortSignal.timeout(120_000);
  const search = findServer({ env, dataVersion: undefined, progress: silentProgress, signal });
  await expect(search).rejects.toMatchObject({ code: "no_server" });
  const programs = await readFile(seen, "utf8");
  for (const name of ["mongod", "python3"]) expect(programs).toContain(join(folder.path, name));
  expect(programs).not.toContain("hidden");
});
