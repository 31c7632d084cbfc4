import { EventEmitter } from "node:events";
import { expect, test } from "vitest";
import { Connections } from "#connector/gateway/connections.ts";
import { defaultLimits } from "#connector/gateway/limits.ts";
import type { EngineConnection } from "#connector/gateway/unsent.ts";
import { quiet } from "#test/support/quiet-log.ts";

/** A connection from one address, as Engine.IO announces it. */
function engineConnection() {
  const conn = Object.assign(new EventEmitter(), {
    ...{ remoteAddress: "203.0.113.1", request: { headers: {} }, transport: {}, readyState: "open" },
    close() {
      conn.readyState = "closed";
      conn.emit("close");
    },
  });
  return conn as unknown as EngineConnection;
}

test("a connection whose key is being verified takes the place of none without a key, up to a number", async () => {
  const limits = { ...defaultLimits, anonymousPerAddressMax: 1, verifyingMax: 2 };
  const connections = new Connections(limits, 0, quiet);
  const verified = Promise.withResolvers<void>();
  const open = () => {
    const conn = engineConnection();
    connections.open(conn);
    const connection = connections.of({ conn });
    if (connection) void connections.whileVerifying(connection, () => verified.promise);
    return conn;
  };
  const [first, second, third] = [open(), open(), open()];
  open();
  expect([first, second, third].map(({ readyState }) => readyState)).toEqual(["open", "open", "closed"]);
  verified.resolve();
});
