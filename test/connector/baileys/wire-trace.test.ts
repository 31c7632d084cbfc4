import { setImmediate } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import type { WASocket } from "#connector/baileys/baileys.ts";
import {
  LatePermissionError,
  markCopy,
  markEncrypted,
  markWritten,
  NoCopyError,
  requireCopies,
  traceRelay,
  untilPermitted,
} from "#connector/baileys/wire-trace.ts";

const to = "15550100001@s.whatsapp.net";
const broken = new Error("broken");
const steps = { encrypt: markEncrypted, write: () => void markWritten() };

/** A relay that takes these steps in order, across async hops, and then fails. */
function failing(...done: Array<keyof typeof steps>) {
  return traceRelay(to, async () => {
    for (const name of done) {
      await setImmediate();
      steps[name]();
    }
    await setImmediate();
    throw broken;
  });
}

describe("a relay that fails", () => {
  test.each<{ done: Array<keyof typeof steps>; isOnWire: boolean }>([
    { done: [], isOnWire: false },
    { done: ["write"], isOnWire: false },
    { done: ["encrypt"], isOnWire: false },
    { done: ["write", "encrypt"], isOnWire: false },
    { done: ["encrypt", "write"], isOnWire: true },
    { done: ["write", "encrypt", "encrypt", "write"], isOnWire: true },
  ])("after $done may have left: $isOnWire", async ({ done, isOnWire }) => {
    expect(await failing(...done)).toEqual({ isOnWire, error: broken });
  });

  test("synchronously is reported like any other", async () => {
    const relay = () => {
      throw broken;
    };
    expect(await traceRelay(to, relay)).toEqual({ isOnWire: false, error: broken });
  });
});

test("a relay that succeeds has left", async () => {
  expect(await traceRelay(to, async () => "done")).toEqual({ isOnWire: true });
});

test("relays at the same time do not see each other's frames", async () => {
  const [sent, stopped] = await Promise.all([failing("encrypt", "write"), failing("encrypt")]);
  expect([sent.isOnWire, stopped.isOnWire]).toEqual([true, false]);
});

test("frames written outside any relay count for none", async () => {
  const relay = failing("encrypt");
  markEncrypted();
  void markWritten();
  expect((await relay).isOnWire).toBe(false);
});

/** A websocket as Baileys' has it; `write` writes a frame as Baileys does. */
function websocket() {
  class Socket {
    get isOpen() {
      return true;
    }
  }
  const ws = new Socket();
  requireCopies({ ws } as unknown as Pick<WASocket, "ws">);
  const written: string[] = [];
  const write = (frame: string) => {
    if (!ws.isOpen) throw new Error("closed");
    written.push(frame);
    void markWritten();
  };
  return { write, written };
}

test.each([
  ["no copy at all", [], false],
  ["copies for our own devices alone", ["15550100009@s.whatsapp.net", "15550100009:3@s.whatsapp.net"], false],
  [
    "a copy for a device of the recipient",
    ["15550100009@s.whatsapp.net", "15550100001:7@s.whatsapp.net"],
    true,
  ],
])("a stanza with %s leaves: %o", async (_, copies, mayLeave) => {
  const { write, written } = websocket();
  const traced = await traceRelay(to, async () => {
    write("query");
    markEncrypted();
    for (const jid of copies) markCopy(jid);
    write("stanza");
    write("what follows it");
  });
  expect(traced).toEqual(mayLeave ? { isOnWire: true } : { isOnWire: false, error: expect.any(NoCopyError) });
  expect(written).toEqual(mayLeave ? ["query", "stanza", "what follows it"] : ["query"]);
});

test("a relay that takes too long is given up, and its stanza cannot leave later", async () => {
  const { write, written } = websocket();
  const answer = Promise.withResolvers<void>();
  const late = Promise.withResolvers<unknown>();
  const relay = async () => {
    await answer.promise;
    markEncrypted();
    markCopy(to);
    write("stanza");
  };
  const traced = await traceRelay(to, () => relay().catch(late.resolve), { withinMs: 10 });
  expect(traced).toEqual({ isOnWire: false, error: expect.any(Error) });
  answer.resolve();
  expect(await late.promise).toEqual(new Error("The relay was given up"));
  expect(written).toEqual([]);
});

test("a relay that fails, such as with its socket, cannot send its stanza later", async () => {
  const { write, written } = websocket();
  const [gone, late] = [Promise.withResolvers<void>(), Promise.withResolvers<unknown>()];
  const relay = async () => {
    await gone.promise.catch(() => undefined);
    markEncrypted();
    markCopy(to);
    // The relay's outcome is told meanwhile.
    await new Promise((resolve) => setTimeout(resolve));
    write("stanza");
  };
  const traced = traceRelay(to, () => Promise.race([relay().catch(late.resolve), gone.promise]));
  gone.reject(new Error("gone"));
  expect(await traced).toEqual({ isOnWire: false, error: new Error("gone") });
  expect(await late.promise).toEqual(new Error("The relay was given up"));
  expect(written).toEqual([]);
});

test("a stanza without permission does not leave, and one whose permission is late does not either", async () => {
  const { write, written } = websocket();
  const relayed = (permitted: Promise<unknown>) =>
    traceRelay(
      to,
      async () => {
        // The permission may be refused before anybody waits for it.
        await setImmediate();
        markEncrypted();
        markCopy(to);
        await untilPermitted();
        write("stanza");
      },
      { permitted },
    );
  const refused = new Error("refused");
  const rejected = Promise.reject(refused);
  expect(await relayed(rejected)).toEqual({ isOnWire: false, error: refused });
  expect(await relayed(new Promise(() => undefined))).toMatchObject({
    isOnWire: false,
    error: expect.any(LatePermissionError),
  });
  expect(written).toEqual([]);
  expect(await relayed(Promise.resolve())).toEqual({ isOnWire: true });
  expect(written).toEqual(["stanza"]);
});
