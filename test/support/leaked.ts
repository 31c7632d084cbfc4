/** The secrets that occur in `bytes`, in any spelling that a program might store or print them in. */
export function leaked(bytes: Buffer, secrets: readonly Uint8Array[]): Uint8Array[] {
  return secrets.filter((secret) =>
    spellings(Buffer.from(secret)).some((spelling) => bytes.includes(spelling)),
  );
}

function spellings(secret: Buffer): Array<Buffer | string> {
  const hex = secret.toString("hex");
  const numbers = [...secret].join(",");
  return [secret, hex, hex.toUpperCase(), numbers, ...base64Spellings(secret)];
}

/** Alone or inside something longer: without the characters at either end that depend on what is beside it. */
function base64Spellings(secret: Buffer): string[] {
  return [0, 1, 2].flatMap((before) => {
    const inside = Buffer.concat([Buffer.alloc(before), secret]).toString("base64");
    const own = inside.replace(/=+$/, "").slice(before === 0 ? 0 : before + 1, -2);
    return [own, own.replaceAll("+", "-").replaceAll("/", "_")];
  });
}
