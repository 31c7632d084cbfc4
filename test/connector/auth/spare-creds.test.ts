import { setImmediate as nextTurn } from "node:timers/promises";
import { expect, test } from "vitest";
import { prepareCreds, takeCreds } from "#connector/auth/spare-creds.ts";

const keysOf = ({
  noiseKey,
  signedIdentityKey,
  signedPreKey,
  advSecretKey,
}: ReturnType<typeof takeCreds>) => [
  ...[noiseKey.private, signedIdentityKey.private, signedPreKey.keyPair.private].map((key) =>
    Buffer.from(key).toString("hex"),
  ),
  advSecretKey,
];

test("no two devices get the same keys, prepared or not", async () => {
  const taken = [takeCreds()];
  prepareCreds();
  prepareCreds();
  await nextTurn();
  await nextTurn();
  for (let time = 0; time < 3; time++) taken.push(takeCreds());
  expect(new Set(taken.flatMap(keysOf)).size).toBe(4 * taken.length);
});
