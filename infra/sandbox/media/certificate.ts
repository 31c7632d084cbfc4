import { createPrivateKey, generateKeyPairSync, type webcrypto } from "node:crypto";
import { getCACertificates, setDefaultCACertificates } from "node:tls";
import type { Extension, Name } from "@peculiar/x509";

/** A certificate and its private key, both PEM. */
export type KeyAndCertificate = { certificate: string; key: string };

const dayMs = 24 * 60 * 60 * 1000;
const authorityDays = 3650;
const leafDays = 365;
const ecdsa = { name: "ECDSA", namedCurve: "P-256" };

/**
 * NameConstraints (RFC 5280 §4.2.1.10) in DER, for which the library has no class: permitted subtrees [0] with
 * `localhost` (a DNS name, [2]), 127.0.0.1/32 and ::1/128 (address and mask, [7]).
 */
const loopbackOnly = Buffer.concat([
  Buffer.from("303fa03d300b8209", "hex"),
  Buffer.from("localhost"),
  Buffer.from("300a87087f000001ffffffff", "hex"),
  Buffer.from(`30228720${"00".repeat(15)}01${"ff".repeat(16)}`, "hex"),
]);

/**
 * Creates an authority that can vouch for this machine only: its name constraints permit `localhost`, 127.0.0.1 and ::1,
 * so trusting it is safe even if its key leaks. Keep it: a new one would have to be trusted again.
 */
export async function createAuthority(commonName: string, now = new Date()): Promise<KeyAndCertificate> {
  const x509 = await loadX509();
  const { KeyUsageFlags } = x509;
  const { publicKey, key } = generateKey();
  const name = new x509.Name([{ CN: [commonName] }]);
  const certificate = await sign({
    subject: name,
    issuer: name,
    now,
    days: authorityDays,
    publicKey,
    signingKey: key,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
      new x509.Extension("2.5.29.30", true, loopbackOnly),
      await x509.SubjectKeyIdentifierExtension.create(publicKey),
    ],
  });
  return { certificate, key };
}

/** Issues a server certificate for `localhost`, 127.0.0.1 and ::1, valid for a year. */
export async function issueLoopbackCertificate(
  authority: KeyAndCertificate,
  now = new Date(),
): Promise<KeyAndCertificate> {
  const x509 = await loadX509();
  const issuer = new x509.X509Certificate(authority.certificate);
  const { keyId } = issuer.getExtension(x509.SubjectKeyIdentifierExtension) ?? {};
  if (keyId === undefined) throw new Error("the authority has no key identifier");
  const { publicKey, key } = generateKey();
  const certificate = await sign({
    subject: new x509.Name([{ CN: ["localhost"] }]),
    issuer: issuer.subjectName,
    now,
    days: leafDays,
    publicKey,
    signingKey: authority.key,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
      new x509.SubjectAlternativeNameExtension([
        { type: "dns", value: "localhost" },
        { type: "ip", value: "127.0.0.1" },
        { type: "ip", value: "::1" },
      ]),
      // OpenSSL rejects a certificate whose issuer has another identifier than it names.
      new x509.AuthorityKeyIdentifierExtension(keyId),
    ],
  });
  return { certificate, key };
}

/**
 * Makes `https` and `fetch` of this process trust `certificate` in addition to what they already trust (Node ≥ 24.5).
 * Another process needs `NODE_EXTRA_CA_CERTS` instead.
 */
export function trustCertificate(certificate: string): void {
  const trusted = getCACertificates();
  if (trusted.includes(certificate)) return;
  setDefaultCACertificates([...trusted, certificate]);
}

/** Imported on first use, because importing it takes 90 to 170 ms. It needs the Reflect API of `reflect-metadata`. */
async function loadX509() {
  await import("reflect-metadata");
  return await import("@peculiar/x509");
}

function generateKey(): { publicKey: webcrypto.CryptoKey; key: string } {
  const { publicKey, privateKey } = generateKeyPairSync("ec", ecdsa);
  return {
    publicKey: publicKey.toCryptoKey(ecdsa, true, ["verify"]),
    key: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
  };
}

interface Draft {
  subject: Name;
  issuer: Name;
  now: Date;
  days: number;
  publicKey: webcrypto.CryptoKey;
  /** PEM of the issuer's private key. */
  signingKey: string;
  extensions: Extension[];
}

/** Signs a certificate and returns its PEM. It is valid from the day before, because clocks of containers differ. */
async function sign({ now, days, signingKey, ...fields }: Draft): Promise<string> {
  const { X509CertificateGenerator } = await loadX509();
  const certificate = await X509CertificateGenerator.create({
    ...fields,
    notBefore: new Date(now.getTime() - dayMs),
    notAfter: new Date(now.getTime() + days * dayMs),
    signingKey: createPrivateKey(signingKey).toCryptoKey(ecdsa, false, ["sign"]),
  });
  return `${certificate.toString("pem")}\n`;
}
