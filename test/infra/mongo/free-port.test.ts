import { once } from "node:events";
import { createServer } from "node:net";
import { expect, test } from "vitest";
import { freePort } from "#infra/mongo/free-port.ts";

test("freePort returns the preferred port if it is free, and another if it is taken", async () => {
  const preferred = await freePort(undefined);
  expect(await freePort(preferred)).toBe(preferred);
  await using server = createServer().listen(preferred, "127.0.0.1");
  await once(server, "listening");
  expect(await freePort(preferred)).not.toBe(preferred);
});
