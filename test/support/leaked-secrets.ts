/** Finds the secrets that occur in `bytes`, raw or in any encoding that a program might store or print. */
export function leakedSecrets(bytes: Buffer, secrets: readonly Uint8Array[]): Uint8Array[] {
  return secrets.filter((secret) =>
    encodings(Buffer.from(secret)).some((encoding) => bytes.includes(encoding)),
  );
}

function encodings(secret: Buffer): Array<Buffer | string> {
  const hex = secret.toString("hex");
  const decimals = [...secret].join(",");
  return [secret, hex, hex.toUpperCase(), decimals, ...base64Encodings(secret)];
}

/** At each of the three alignments, without the characters at either end that depend on the neighbouring bytes. */
function base64Encodings(secret: Buffer): string[] {
  return [0, 1, 2].flatMap((before) => {
    const inside = Buffer.concat([Buffer.alloc(before), secret]).toString("base64");
    const own = inside.replace(/=+$/, "").slice(before === 0 ? 0 : before + 1, -2);
    return [own, own.replaceAll("+", "-").replaceAll("/", "_")];
  });
}
