import { createServer } from "node:net";

/** Returns the preferred port if it is free on loopback, else any free one. Another process may still take it first. */
export async function freePort(preferred: number | undefined): Promise<number> {
  return (await probe(preferred ?? 0)) ?? (await probe(0)) ?? Promise.reject(new Error("no port is free"));
}

function probe(port: number): Promise<number | undefined> {
  return new Promise((resolve) => {
    const server = createServer().once("error", () => resolve(undefined));
    server.listen(port, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" ? address?.port : undefined));
    });
  });
}
