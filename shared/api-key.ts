import { createHash, randomBytes } from "node:crypto";

/** A new key: `wp_` and 32 random bytes in base64url. Shown once; only its hash is stored. */
export function newApiKey(): string {
  return `wp_${randomBytes(32).toString("base64url")}`;
}

/** How keys and session cookies are stored and looked up: SHA-256, hex. They are random, so no slow hash is needed. */
export function hashSecret(secret: string): string {
  return createHash("sha256").update(secret).digest("hex");
}
