/** API keys: how they are generated, and how they and session cookies are hashed. */

import { createHash, randomBytes } from "node:crypto";

/** Generates a key: `wp_` and 32 random bytes in base64url. Shown once; only its hash is stored. */
export function newApiKey(): string {
  return `wp_${randomBytes(32).toString("base64url")}`;
}

/** The SHA-256 (hex) under which keys and cookies are stored and looked up. They are random, so a fast hash is enough. */
export function hashSecret(secret: string): string {
  return createHash("sha256").update(secret).digest("hex");
}
