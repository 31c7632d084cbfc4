import { createServer } from "node:net";

/** The wished port if nobody listens on it on loopback, else any free one. Another process may still be faster. */
export async function freePort(wished: number | undefined): Promise<number> {
  return (await probe(wished ?? 0)) ?? (await probe(0)) ?? Promise.reject(new Error("no port is free"));
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
