import { expect, test } from "vitest";
import { type Batch, WriteChain } from "#connector/auth/write-chain.ts";

function row(id: string, text: string | null = id): ReadonlyMap<string, string | null> {
  return new Map([[id, text]]);
}

/** A chain whose batches end on `release` or `fail`. */
function slowChain(charactersMax?: number) {
  const applied: Batch[] = [];
  const lost: Error[] = [];
  let gate = Promise.withResolvers<void>();
  const chain = new WriteChain({
    apply: async (batch) => {
      applied.push({ rows: new Map(batch.rows), creds: batch.creds });
      await gate.promise;
    },
    onLost: (error) => lost.push(error),
    ...(charactersMax === undefined ? {} : { charactersMax }),
  });
  const settle = (act: (gate: PromiseWithResolvers<void>) => void) => {
    const current = gate;
    gate = Promise.withResolvers<void>();
    act(current);
  };
  return {
    chain,
    applied,
    lost,
    release: () => settle((current) => current.resolve()),
    fail: (error: Error) => settle((current) => current.reject(error)),
  };
}

async function begun(applied: unknown[], count: number): Promise<void> {
  await expect.poll(() => applied.length).toBe(count);
}

test("writes of one event-loop turn are one batch, and the last value of a row wins", async () => {
  const { chain, applied, release } = slowChain();
  const writes = [
    chain.write(row("a", "1")),
    chain.write(row("b")),
    chain.write(row("a", "2")),
    chain.writeCreds(),
  ];
  await begun(applied, 1);
  release();
  await Promise.all(writes);
  expect(applied).toEqual([
    {
      rows: new Map([
        ["a", "2"],
        ["b", "b"],
      ]),
      creds: true,
    },
  ]);
});

test("writes during a running batch form the next batch and resolve with that one", async () => {
  const { chain, applied, release } = slowChain();
  const first = chain.write(row("a"));
  await begun(applied, 1);
  let isSecondDone = false;
  const second = Promise.all([chain.write(row("b")), chain.write(row("c"))]).then(() => {
    isSecondDone = true;
  });
  release();
  await first;
  await begun(applied, 2);
  expect(isSecondDone).toBe(false);
  release();
  await second;
  expect([...(applied[1]?.rows.keys() ?? [])]).toEqual(["b", "c"]);
});

test("`waiting` returns pending and running writes", async () => {
  const { chain, applied, release } = slowChain();
  void chain.write(row("a", "old"));
  await begun(applied, 1);
  expect(chain.waiting("a")).toBe("old");
  void chain.write(row("a", null));
  expect(chain.waiting("a")).toBeNull();
  release();
  await begun(applied, 2);
  release();
  await chain.flush();
  expect(chain.waiting("a")).toBeUndefined();
});

test("a failure is final: pending and later calls reject with it, and `onLost` is called once", async () => {
  const { chain, applied, lost, fail } = slowChain();
  const failure = new Error("fenced");
  const first = chain.write(row("a"));
  await begun(applied, 1);
  const second = chain.write(row("b"));
  fail(failure);
  await expect(first).rejects.toBe(failure);
  await expect(second).rejects.toBe(failure);
  await expect(chain.write(row("c"))).rejects.toBe(failure);
  await expect(chain.flush()).rejects.toBe(failure);
  await expect(chain.exclusive(async () => undefined)).rejects.toBe(failure);
  expect(() => chain.assertAlive()).toThrow(failure);
  expect(lost).toEqual([failure]);
  expect(applied).toHaveLength(1);
});

test("`onLost` is called before any pending write rejects", async () => {
  const order: string[] = [];
  const chain = new WriteChain({
    apply: () => Promise.reject(new Error("fenced")),
    onLost: () => order.push("lost"),
  });
  await chain.write(row("a")).catch(() => order.push("rejected"));
  expect(order).toEqual(["lost", "rejected"]);
});

test("an exclusive task runs after earlier writes and before later ones", async () => {
  const order: string[] = [];
  const chain = new WriteChain({
    apply: async ({ rows }) => void order.push(...rows.keys()),
    onLost: () => undefined,
  });
  void chain.write(row("before"));
  void chain.exclusive(async () => void order.push("task"));
  await chain.write(row("after"));
  expect(order).toEqual(["before", "task", "after"]);
});

test("closing drains, then rejects writes, without calling `onLost`", async () => {
  const { chain, applied, lost, release } = slowChain();
  const write = chain.write(row("a"));
  const closed = chain.close();
  await begun(applied, 1);
  release();
  await Promise.all([write, closed]);
  await expect(chain.write(row("b"))).rejects.toMatchObject({ fault: "closed" });
  expect(lost).toEqual([]);
});

test("closing a lost chain does not reject", async () => {
  const { chain } = slowChain();
  chain.lose(new Error("gone"));
  await chain.close();
});

test("too many pending characters end the chain", async () => {
  const { chain, lost } = slowChain(10);
  await expect(chain.write(row("a", "x".repeat(20)))).rejects.toMatchObject({ fault: "overloaded" });
  expect(lost).toHaveLength(1);
});
