import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { childEnvironment } from "#infra/mongo/child-environment.ts";
import { findServer } from "#infra/mongo/find-server.ts";
import { silentProgress } from "#infra/mongo/progress.ts";
import { settings } from "#shared/settings.ts";
import { temporaryFolder } from "#test/support/temporary-folder.ts";

const kinds = ["program", "download", "pip"] as const;

test.each(kinds)("a child of kind %s gets no setting of ours and no password of others", (kind) => {
  const secrets = ["AWS_SECRET_ACCESS_KEY", "GITHUB_TOKEN", "NPM_TOKEN", "NPM_CONFIG__AUTH", "NODE_OPTIONS"];
  const env = Object.fromEntries([...Object.keys(settings), ...secrets].map((name) => [name, "secret"]));
  expect(childEnvironment({ ...env, PATH: "/bin" }, kind)).toEqual({ PATH: "/bin" });
});

test("a child gets what it needs to run, to reach the network, and its own settings", () => {
  const common = { PATH: "/bin", HOME: "/root", LC_ALL: "C", TMPDIR: "/tmp/x" };
  const proxies = { https_proxy: "http://proxy", NO_PROXY: "localhost", NODE_EXTRA_CA_CERTS: "ca.pem" };
  const download = { MONGOMS_DOWNLOAD_MIRROR: "https://mirror", "npm_config_https-proxy": "http://proxy" };
  const pip = { PIP_INDEX_URL: "https://index", VIRTUAL_ENV: "/virtual" };
  const env = { ...common, ...proxies, ...download, ...pip };
  expect(childEnvironment(env, "program")).toEqual(common);
  expect(childEnvironment(env, "download")).toEqual({ ...common, ...proxies, ...download });
  expect(childEnvironment(env, "pip")).toEqual({ ...common, ...proxies, ...pip });
});

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
  const signal = AbortSignal.timeout(60_000);
  const search = findServer({ env, dataVersion: undefined, progress: silentProgress, signal });
  await expect(search).rejects.toMatchObject({ code: "no_server" });
  const programs = await readFile(seen, "utf8");
  for (const name of ["mongod", "python3"]) expect(programs).toContain(join(folder.path, name));
  expect(programs).not.toContain("hidden");
});
