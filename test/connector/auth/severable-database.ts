import { connect, createServer, type Socket } from "node:net";
import { type Db, MongoClient } from "mongodb";
import { inject } from "vitest";

/** A client of the shared MongoDB whose line can be cut and mended. */
export type SeverableDatabase = AsyncDisposable & { db: Db; cut(): void; mend(): void };

export async function severableDatabase(name: string): Promise<SeverableDatabase> {
  const mongo = new URL(inject("mongoUri"));
  const sockets = new Set<Socket>();
  let isCut = false;
  const proxy = createServer((client) => {
    if (isCut) return void client.destroy();
    const upstream = connect(Number(mongo.port), mongo.hostname);
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(from);
      from.pipe(to).on("error", () => from.destroy());
      from.on("close", () => sockets.delete(from) && to.destroy());
    }
  });
  await new Promise<void>((resolve) => proxy.listen(0, "127.0.0.1", resolve));
  const address = proxy.address();
  if (address === null || typeof address === "string") throw new Error("The proxy has no port");
  const client = await MongoClient.connect(
    `mongodb://127.0.0.1:${address.port}/?directConnection=true&serverSelectionTimeoutMS=300`,
  );
  return {
    db: client.db(name),
    cut() {
      isCut = true;
      for (const socket of sockets) socket.destroy();
    },
    mend() {
      isCut = false;
    },
    async [Symbol.asyncDispose]() {
      await client.close();
      for (const socket of sockets) socket.destroy();
      proxy.close();
    },
  };
}
