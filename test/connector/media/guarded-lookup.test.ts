import type { LookupAddress, LookupOptions } from "node:dns";
import type { LookupFunction } from "node:net";
import { describe, expect, test } from "vitest";
import { guardedLookup } from "#connector/media/guarded-lookup.ts";
import { resolver } from "./media-server.fixture.ts";

type Answer = string | LookupAddress[] | undefined;

function ask(lookup: LookupFunction, options: Partial<LookupOptions> = { all: true }): Promise<Answer> {
  return new Promise((resolve, reject) =>
    lookup("media.example", options as LookupOptions, (error, answer) =>
      error ? reject(error) : resolve(answer),
    ),
  );
}

test("the guarded lookup returns the addresses that it checked, in one query, and checks the next answer again", async () => {
  const rebinding = resolver(["8.8.8.8", "2606:4700::1111"], ["127.0.0.1"]);
  const lookup = guardedLookup(rebinding);
  expect(await ask(lookup)).toEqual([
    { address: "8.8.8.8", family: 4 },
    { address: "2606:4700::1111", family: 6 },
  ]);
  expect(rebinding.questions).toHaveLength(1);
  await expect(ask(lookup)).rejects.toMatchObject({ code: "media_not_allowed" });
});

test("the guarded lookup checks all addresses even if the socket wants only one", async () => {
  const lookup = guardedLookup(resolver(["8.8.8.8", "10.0.0.1"], ["8.8.8.8"]));
  await expect(ask(lookup, {})).rejects.toMatchObject({ code: "media_not_allowed" });
  expect(await ask(lookup, {})).toBe("8.8.8.8");
});

test("an answer that is a single string is checked too", async () => {
  const single: LookupFunction = (_name, _options, callback) => callback(null, "192.168.0.9", 4);
  await expect(ask(guardedLookup(single))).rejects.toMatchObject({ code: "media_not_allowed" });
});

test("an error of the resolver is passed on", async () => {
  const failing: LookupFunction = (_name, _options, callback) => callback(new Error("ENOTFOUND"), "", 0);
  await expect(ask(guardedLookup(failing))).rejects.toThrow("ENOTFOUND");
});

describe("the guarded lookup refuses", () => {
  test.each([
    "::1",
    "::ffff:10.0.0.1",
    "::10.0.0.1",
    "fe80::1",
    "fec0::1",
    "64:ff9b::a00:1",
    "not-an-address",
  ])("%s", async (address) => {
    await expect(ask(guardedLookup(resolver([address])))).rejects.toMatchObject({
      code: "media_not_allowed",
    });
  });
});
