import type { Curve, proto, WA_CERT_DETAILS } from "@whiskeysockets/baileys";

/** Thrown when the server cannot prove that it is WhatsApp: nothing of the account has been sent to it. */
export class ServerIdentityError extends Error {
  override readonly name = "ServerIdentityError";
  /** As Baileys' own errors carry their code. */
  readonly output = { statusCode: serverIdentityCode };
}

/** The code with which a socket ends for it. Neither WhatsApp nor Baileys has one. */
const serverIdentityCode = 495;

export interface BaileysNoise {
  Curve: typeof Curve;
  proto: Pick<typeof proto, "CertChain">;
  WA_CERT_DETAILS: typeof WA_CERT_DETAILS;
}

const patched = Symbol.for("waypost.server-certificate");

/**
 * Patches Baileys in place to verify the server's certificate. Baileys never compares the certificate with the key of the
 * handshake, so whoever has seen a chain could show it as their own. Its handshake is one synchronous function: it agrees on
 * a secret with the server's static key, then decodes the chain. So the last key of an agreement is the static key.
 */
export function verifyServerCertificates({ Curve, proto, WA_CERT_DETAILS }: BaileysNoise): void {
  const { CertChain } = proto;
  if (patched in CertChain.decode) return;
  const { sharedKey } = Curve;
  const decode = CertChain.decode.bind(CertChain);
  const { decode: decodeDetails } = CertChain.NoiseCertificate.Details;
  let lastKey: Uint8Array = new Uint8Array();

  const isCertified = ({ leaf, intermediate }: proto.CertChain): boolean => {
    if (!leaf?.details || !leaf.signature || !intermediate?.details || !intermediate.signature) return false;
    const issuer = decodeDetails(intermediate.details);
    const own = decodeDetails(leaf.details);
    const { PUBLIC_KEY: root, SERIAL: rootSerial } = WA_CERT_DETAILS;
    return (
      issuer.issuerSerial === rootSerial &&
      own.issuerSerial === issuer.serial &&
      Buffer.compare(own.key ?? nothing, lastKey) === 0 &&
      Curve.verify(root, intermediate.details, intermediate.signature) &&
      Curve.verify(issuer.key ?? nothing, leaf.details, leaf.signature)
    );
  };
  Curve.sharedKey = (privateKey, publicKey) => {
    lastKey = publicKey;
    return sharedKey(privateKey, publicKey);
  };
  const verified: typeof CertChain.decode = (...bytes) => {
    const chain = decode(...bytes);
    if (!isCertified(chain)) throw new ServerIdentityError("The server cannot prove that it is WhatsApp");
    return chain;
  };
  CertChain.decode = Object.assign(verified, { [patched]: true });
}

const nothing = new Uint8Array();
