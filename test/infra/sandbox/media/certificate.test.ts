import { createPrivateKey, generateKeyPairSync, X509Certificate } from "node:crypto";
import { once } from "node:events";
import { createServer, request } from "node:https";
import type { AddressInfo } from "node:net";
import "reflect-metadata";
import * as x509 from "@peculiar/x509";
import { expect, test } from "vitest";
import {
  createAuthority,
  issueLoopbackCertificate,
  type KeyAndCertificate,
  trustCertificate,
} from "#infra/sandbox/media/certificate.ts";

const authority = await createAuthority("Test CA");

test("the authority signs itself and the server certificate", async () => {
  const ca = new X509Certificate(authority.certificate);
  const leaf = new X509Certificate((await issueLoopbackCertificate(authority)).certificate);
  expect(ca.ca).toBe(true);
  expect(ca.verify(ca.publicKey)).toBe(true);
  expect(leaf.ca).toBe(false);
  expect(leaf.checkIssued(ca)).toBe(true);
  expect(leaf.verify(ca.publicKey)).toBe(true);
  expect(leaf.verify(new X509Certificate((await createAuthority("Test CA")).certificate).publicKey)).toBe(
    false,
  );
});

test("the server certificate names loopback and nothing else", async () => {
  const leaf = new X509Certificate((await issueLoopbackCertificate(authority)).certificate);
  expect(leaf.checkHost("localhost")).toBe("localhost");
  expect(leaf.checkHost("example.com")).toBeUndefined();
  expect(leaf.checkIP("127.0.0.1")).toBe("127.0.0.1");
  expect(leaf.checkIP("::1")).toBe("::1");
  expect(leaf.checkIP("127.0.0.2")).toBeUndefined();
});

test("both certificates have P-256 keys, and the server certificate is for servers only", async () => {
  const leaf = await issueLoopbackCertificate(authority);
  for (const { certificate, key } of [authority, leaf]) {
    const parsed = new X509Certificate(certificate);
    expect(parsed.publicKey.asymmetricKeyDetails).toEqual({ namedCurve: "prime256v1" });
    expect(parsed.checkPrivateKey(createPrivateKey(key))).toBe(true);
  }
  expect(new X509Certificate(leaf.certificate).keyUsage).toEqual(["1.3.6.1.5.5.7.3.1"]);
});

test("the server certificate is valid from the day before until a year later", async () => {
  const { certificate } = await issueLoopbackCertificate(authority, new Date("2030-06-01T12:00:00Z"));
  const leaf = new X509Certificate(certificate);
  expect(new Date(leaf.validFrom).toISOString()).toBe("2030-05-31T12:00:00.000Z");
  expect(new Date(leaf.validTo).toISOString()).toBe("2031-06-01T12:00:00.000Z");
});

test("an authority's validity can extend beyond 2049, where X.509 writes years differently", async () => {
  const { certificate } = await createAuthority("Test CA", new Date("2045-06-01T12:00:00Z"));
  const ca = new X509Certificate(certificate);
  expect(new Date(ca.validFrom).toISOString()).toBe("2045-05-31T12:00:00.000Z");
  expect(new Date(ca.validTo).toISOString()).toBe("2055-05-30T12:00:00.000Z");
});

test("serial numbers are positive and never the same", async () => {
  const issued = await Promise.all(Array.from({ length: 20 }, () => issueLoopbackCertificate(authority)));
  const serials = issued.map(({ certificate }) => new X509Certificate(certificate).serialNumber);
  expect(serials.every((serial) => /^[0-9A-F]{16,40}$/.test(serial))).toBe(true);
  expect(new Set(serials).size).toBe(serials.length);
});

/** Serves one certificate on loopback, and returns the answer's status or the error that a client gets. */
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
        .on("error", (error) => resolve(error.message))
        .end();
    });
  } finally {
    host.close();
  }
}

test("a client that trusts the authority can talk to the server, by address and by name", async () => {
  const leaf = await issueLoopbackCertificate(authority);
  expect(await handshake(leaf, { ca: authority.certificate })).toBe("HTTP 200");
  expect(await handshake(leaf, { ca: authority.certificate, servername: "localhost" })).toBe("HTTP 200");
  const other = await createAuthority("Test CA");
  expect(await handshake(leaf, { ca: other.certificate })).not.toBe("HTTP 200");
});

const ecdsa = { name: "ECDSA", namedCurve: "P-256" };

/** A certificate for any name, signed by the authority. */
async function certificateFor(name: string): Promise<KeyAndCertificate> {
  const { publicKey, privateKey } = generateKeyPairSync("ec", ecdsa);
  const certificate = await x509.X509CertificateGenerator.create({
    subject: [{ CN: [name] }],
    issuer: new x509.X509Certificate(authority.certificate).subjectName,
    publicKey: publicKey.toCryptoKey(ecdsa, true, ["verify"]),
    signingKey: createPrivateKey(authority.key).toCryptoKey(ecdsa, false, ["sign"]),
    extensions: [new x509.SubjectAlternativeNameExtension([{ type: "dns", value: name }])],
  });
  return {
    certificate: certificate.toString("pem"),
    key: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
  };
}

test("a certificate for another host is rejected, even if the authority signed it", async () => {
  const trusting = (servername: string) => ({ ca: authority.certificate, servername });
  expect(await handshake(await certificateFor("localhost"), trusting("localhost"))).toBe("HTTP 200");
  expect(await handshake(await certificateFor("example.com"), trusting("example.com"))).toBe(
    "permitted subtree violation",
  );
});

test("an authority from disk issues certificates that carry its own key identifier", async () => {
  const { publicKey, privateKey } = generateKeyPairSync("ec", ecdsa);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name: "CN=Stored CA",
    keys: {
      publicKey: publicKey.toCryptoKey(ecdsa, true, ["verify"]),
      privateKey: privateKey.toCryptoKey(ecdsa, false, ["sign"]),
    },
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.SubjectKeyIdentifierExtension("0123456789abcdef"),
    ],
  });
  const stored = {
    certificate: certificate.toString("pem"),
    key: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
  };
  const leaf = await issueLoopbackCertificate(stored);
  expect(await handshake(leaf, { ca: stored.certificate })).toBe("HTTP 200");
});

test("fetch and https of this process trust an authority added with `trustCertificate`", async () => {
  const own = await createAuthority("Added CA");
  const leaf = await issueLoopbackCertificate(own);
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
