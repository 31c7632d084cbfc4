import { expect, test } from "vitest";
import { fitsData, inspectMongod, newestFirst } from "#infra/mongo/server-version.ts";

const search = { env: process.env, signal: new AbortController().signal };

test("data is opened by the same major version, but not by an older minor version", () => {
  const cases: [server: string, data: string | undefined, fits: boolean][] = [
    ["6.0.5", undefined, true],
    ["6.0.5", "6.0.5", true],
    ["6.0.5", "6.0.20", true],
    ["7.0.28", "6.0.5", false],
    ["6.0.5", "7.0.28", false],
    ["8.2.0", "8.0.4", true],
    ["8.0.4", "8.2.0", false],
    ["10.0.0", "1.0.0", false],
  ];
  for (const [server, data, fits] of cases)
    expect([server, data, fitsData(server, data)]).toEqual([server, data, fits]);
});

test("versions are ordered numerically", () => {
  expect(["7.0.9", "6.0.5", "7.0.28", "10.0.0"].toSorted(newestFirst)).toEqual([
    "10.0.0",
    "7.0.28",
    "7.0.9",
    "6.0.5",
  ]);
});

test("a program that is not mongod is refused", async () => {
  await expect(inspectMongod(process.execPath, search)).rejects.toThrow("does not report a mongod version");
});

test("a program that does not exist is refused", async () => {
  await expect(inspectMongod("/nowhere/mongod", search)).rejects.toThrow("ENOENT");
});
