import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  randomBytes,
  sign,
} from "node:crypto";
import { getCACertificates, setDefaultCACertificates } from "node:tls";
import {
  bitString,
  explicit,
  implicit,
  integer,
  octetString,
  oid,
  sequence,
  set,
  time,
  utf8String,
  yes,
} from "./der.ts";

/** A certificate and its private key, both PEM. */
export type KeyAndCertificate = { certificate: string; key: string };

/** A self-made authority; keep it, or whoever trusts it has to be told again after a restart. */
export type Authority = KeyAndCertificate & { commonName: string };

const dayMs = 24 * 60 * 60 * 1000;
const authorityDays = 3650;
const leafDays = 365;

const dnsName = "localhost";
const addresses = {
  v4: { address: Buffer.of(127, 0, 0, 1), mask: Buffer.alloc(4, 0xff) },
  v6: { address: Buffer.from([...new Array(15).fill(0), 1]), mask: Buffer.alloc(16, 0xff) },
};

const ecdsaWithSha256 = sequence(oid("1.2.840.10045.4.3.2"));
const serverAuth = oid("1.3.6.1.5.5.7.3.1");

/**
 * Makes an authority that can only speak for this machine: its name constraints (RFC 5280 §4.2.1.10)
 * permit `localhost`, 127.0.0.1 and ::1, so trusting it opens nothing else, even if its key leaks.
 */
export function createAuthority(commonName: string, now = new Date()): Authority {
  const { publicKey, key } = newKey();
  const certificate = signed({
    subject: commonName,
    issuer: commonName,
    days: authorityDays,
    now,
    publicKey,
    signingKey: key,
    extensions: [
      extension("2.5.29.19", sequence(yes(), integer(Buffer.of(0))), "critical"),
      // Bits 5 and 6: keyCertSign, cRLSign.
      extension("2.5.29.15", bitString(Buffer.of(0b0000_0110), 1), "critical"),
      extension("2.5.29.30", nameConstraints(), "critical"),
      extension("2.5.29.14", octetString(keyIdentifier(publicKey))),
    ],
  });
  return { certificate, key, commonName };
}

/** Issues a server certificate for `localhost`, 127.0.0.1 and ::1, valid for a year. */
export function issueLoopbackCertificate(authority: Authority, now = new Date()): KeyAndCertificate {
  const { publicKey, key } = newKey();
  const certificate = signed({
    subject: dnsName,
    issuer: authority.commonName,
    days: leafDays,
    now,
    publicKey,
    signingKey: authority.key,
    extensions: [
      extension("2.5.29.19", sequence(), "critical"),
      // Bit 0: digitalSignature.
      extension("2.5.29.15", bitString(Buffer.of(0b1000_0000), 7), "critical"),
      extension("2.5.29.37", sequence(serverAuth)),
      extension("2.5.29.17", subjectAlternativeNames()),
      extension("2.5.29.35", sequence(implicit(0, keyIdentifier(publicKeyOf(authority.key))))),
    ],
  });
  return { certificate, key };
}

/**
 * Makes `https` and `fetch` of this process trust `certificate` beside what they trust already
 * (Node ≥ 24.5). A process apart needs `NODE_EXTRA_CA_CERTS` instead.
 */
export function trustCertificate(certificate: string): void {
  const trusted = getCACertificates();
  if (trusted.includes(certificate)) return;
  setDefaultCACertificates([...trusted, certificate]);
}

type Draft = {
  subject: string;
  issuer: string;
  days: number;
  now: Date;
  publicKey: Buffer;
  signingKey: string;
  extensions: Buffer[];
};

/** Writes and signs a TBSCertificate (RFC 5280 §4.1). Starts a day early: clocks of containers differ. */
function signed(draft: Draft): string {
  const body = sequence(
    explicit(0, integer(Buffer.of(2))),
    integer(randomBytes(16)),
    ecdsaWithSha256,
    distinguishedName(draft.issuer),
    sequence(
      time(new Date(draft.now.getTime() - dayMs)),
      time(new Date(draft.now.getTime() + draft.days * dayMs)),
    ),
    distinguishedName(draft.subject),
    draft.publicKey,
    explicit(3, sequence(...draft.extensions)),
  );
  const signature = sign("sha256", body, draft.signingKey);
  return pem("CERTIFICATE", sequence(body, ecdsaWithSha256, bitString(signature)));
}

function newKey(): { publicKey: Buffer; key: string } {
  const pair = generateKeyPairSync("ec", { namedCurve: "P-256" });
  return {
    publicKey: pair.publicKey.export({ type: "spki", format: "der" }),
    key: pair.privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
  };
}

const publicKeyOf = (privateKey: string): Buffer =>
  createPublicKey(createPrivateKey(privateKey)).export({ type: "spki", format: "der" });

/** Any stable name of the key will do (RFC 5280 §4.2.1.2 gives hashes of it as examples). */
const keyIdentifier = (publicKey: Buffer): Buffer =>
  createHash("sha256").update(publicKey).digest().subarray(0, 20);

const distinguishedName = (commonName: string): Buffer =>
  sequence(set(sequence(oid("2.5.4.3"), utf8String(commonName))));

function extension(id: string, value: Buffer, critical?: "critical"): Buffer {
  return critical ? sequence(oid(id), yes(), octetString(value)) : sequence(oid(id), octetString(value));
}

/** GeneralName numbers: 2 is a DNS name, 7 an address. */
function subjectAlternativeNames(): Buffer {
  const { v4, v6 } = addresses;
  return sequence(implicit(2, Buffer.from(dnsName)), implicit(7, v4.address), implicit(7, v6.address));
}

function nameConstraints(): Buffer {
  const permitted = [
    implicit(2, Buffer.from(dnsName)),
    ...Object.values(addresses).map(({ address, mask }) => implicit(7, Buffer.concat([address, mask]))),
  ];
  // permittedSubtrees is [0] IMPLICIT of a SEQUENCE OF: the constructed tag over the bare subtrees.
  return sequence(explicit(0, Buffer.concat(permitted.map((name) => sequence(name)))));
}

function pem(label: string, der: Buffer): string {
  const lines = der.toString("base64").match(/.{1,64}/g) ?? [];
  return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ""].join("\n");
}
