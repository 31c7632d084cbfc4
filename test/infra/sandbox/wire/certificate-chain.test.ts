import { proto } from "@whiskeysockets/baileys";
import { expect, test } from "vitest";
import type { ServerKeys } from "#infra/sandbox/state/state.ts";
import { certificateChain, createServerKeys } from "#infra/sandbox/wire/certificate-chain.ts";
import { isSignedBy, rawPublicKey } from "#infra/sandbox/wire/curve25519.ts";

const { Details } = proto.CertChain.NoiseCertificate;

function chainOf(keys: ServerKeys) {
  const { leaf, intermediate } = proto.CertChain.decode(certificateChain(keys));
  return { leaf: partsOf(leaf), intermediate: partsOf(intermediate) };
}

function partsOf(certificate: proto.CertChain.INoiseCertificate | null | undefined) {
  const details = Buffer.from(certificate?.details ?? []);
  return { details, signature: Buffer.from(certificate?.signature ?? []), fields: Details.decode(details) };
}

test("the chain leads from the root to the static key, with valid signatures", () => {
  const keys = createServerKeys();
  const { leaf, intermediate } = chainOf(keys);
  expect(intermediate.fields.issuerSerial).toBe(0);
  expect(leaf.fields.issuerSerial).toBe(intermediate.fields.serial);
  expect(Buffer.from(leaf.fields.key ?? [])).toEqual(rawPublicKey(keys.static));
  expect(isSignedBy(rawPublicKey(keys.root), intermediate.details, intermediate.signature)).toBe(true);
  expect(isSignedBy(Buffer.from(intermediate.fields.key ?? []), leaf.details, leaf.signature)).toBe(true);
});

test("a signature by another key, or over other bytes, is invalid", () => {
  const keys = createServerKeys();
  const { details, signature } = chainOf(keys).intermediate;
  expect(isSignedBy(rawPublicKey(createServerKeys().root), details, signature)).toBe(false);
  expect(isSignedBy(rawPublicKey(keys.root), Buffer.concat([details, details]), signature)).toBe(false);
  expect(isSignedBy(rawPublicKey(keys.root), details, Buffer.alloc(64))).toBe(false);
});
