import { X509Certificate } from "node:crypto";
import { once } from "node:events";
import { createServer, request } from "node:https";
import type { AddressInfo } from "node:net";
import { expect, test } from "vitest";
import {
  createAuthority,
  issueLoopbackCertificate,
  trustCertificate,
} from "#infra/sandbox/media/certificate.ts";

const authority = createAuthority("Test CA");

test("the authority is one, and has signed the certificate of the machine", () => {
  const ca = new X509Certificate(authority.certificate);
  const leaf = new X509Certificate(issueLoopbackCertificate(authority).certificate);
  expect(ca.ca).toBe(true);
  expect(ca.verify(ca.publicKey)).toBe(true);
  expect(leaf.ca).toBe(false);
  expect(leaf.checkIssued(ca)).toBe(true);
  expect(leaf.verify(ca.publicKey)).toBe(true);
  expect(leaf.verify(new X509Certificate(createAuthority("Test CA").certificate).publicKey)).toBe(false);
});

test("the certificate names loopback and nothing else", () => {
  const leaf = new X509Certificate(issueLoopbackCertificate(authority).certificate);
  expect(leaf.checkHost("localhost")).toBe("localhost");
  expect(leaf.checkHost("example.com")).toBeUndefined();
  expect(leaf.checkIP("127.0.0.1")).toBe("127.0.0.1");
  expect(leaf.checkIP("::1")).toBe("::1");
  expect(leaf.checkIP("127.0.0.2")).toBeUndefined();
});

test("is valid from the day before until a year later", () => {
  const leaf = new X509Certificate(
    issueLoopbackCertificate(authority, new Date("2030-06-01T12:00:00Z")).certificate,
  );
  expect(new Date(leaf.validFrom).toISOString()).toBe("2030-05-31T12:00:00.000Z");
  expect(new Date(leaf.validTo).toISOString()).toBe("2031-06-01T12:00:00.000Z");
});

/** Serves one certificate on loopback and says how a client that trusts `ca` fares. */
async function handshake(
  server: { certificate: string; key: string },
  options: { ca?: string; servername?: string } = {},
): Promise<string> {
  const host = createServer({ cert: server.certificate, key: server.key }, (_, answer) =>
    answer.end("hello"),
  );
  host.listen(0, "127.0.0.1");
  await once(host, "listening");
  try {
    const { port } = host.address() as AddressInfo;
    return await new Promise((resolve) => {
      request({ host: "127.0.0.1", port, agent: false, ...options }, (answer) => {
        answer.resume();
        resolve(`HTTP ${answer.statusCode}`);
      })
        .on("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message))
        .end();
    });
  } finally {
    host.close();
  }
}

test("who trusts the authority can speak to the server, by address and by name", async () => {
  const leaf = issueLoopbackCertificate(authority);
  expect(await handshake(leaf, { ca: authority.certificate })).toBe("HTTP 200");
  expect(await handshake(leaf, { ca: authority.certificate, servername: "localhost" })).toBe("HTTP 200");
  expect(await handshake(leaf, { ca: createAuthority("Test CA").certificate })).not.toBe("HTTP 200");
});

test("fetch and https of this process trust the authority once they are told", async () => {
  const own = createAuthority("Told CA");
  const leaf = issueLoopbackCertificate(own);
  expect(await handshake(leaf)).not.toBe("HTTP 200");
  trustCertificate(own.certificate);
  trustCertificate(own.certificate);
  expect(await handshake(leaf)).toBe("HTTP 200");

  const host = createServer({ cert: leaf.certificate, key: leaf.key }, (_, answer) => answer.end("hello"));
  host.listen(0, "127.0.0.1");
  await once(host, "listening");
  const { port } = host.address() as AddressInfo;
  expect(await (await fetch(`https://127.0.0.1:${port}`)).text()).toBe("hello");
  await new Promise((resolve) => host.close(resolve));
});
