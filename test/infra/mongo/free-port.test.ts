import { once } from "node:events";
import { createServer } from "node:net";
import { expect, test } from "vitest";
import { freePort } from "#infra/mongo/free-port.ts";

test("the wished port is given while it is free, another when it is taken", async () => {
  const wished = await freePort(undefined);
  expect(await freePort(wished)).toBe(wished);
  await using server = createServer().listen(wished, "127.0.0.1");
  await once(server, "listening");
  expect(await freePort(wished)).not.toBe(wished);
});
