import { type Db, MongoClient } from "mongodb";
import { inject } from "vitest";
import { eventually } from "./eventually.ts";
import { overProxy, type TcpProxy, tcpProxy } from "./tcp-proxy.ts";

/** A database of the shared MongoDB over its own breakable proxy, with a client that notices a cut soon (300 ms). */
export type SeverableDatabase = Pick<TcpProxy, "cut" | "freeze" | "mend"> & AsyncDisposable & { db: Db };

export async function severableDatabase(name: string): Promise<SeverableDatabase> {
  const mongoUri = inject("mongoUri");
  await using owned = new AsyncDisposableStack();
  const wire = owned.use(await tcpProxy(Number(new URL(mongoUri).port)));
  const connect = () => MongoClient.connect(overProxy(wire, mongoUri), { serverSelectionTimeoutMS: 300 });
  // A busy machine may need longer than that to connect at first.
  const client = owned.use(await eventually(connect));
  const { cut, freeze, mend } = wire;
  const kept = owned.move();
  return { db: client.db(name), cut, freeze, mend, [Symbol.asyncDispose]: () => kept.disposeAsync() };
}
