import { randomBytes } from "node:crypto";
import { expect, test } from "vitest";
import { openAuthState } from "#connector/auth/auth-state.ts";
import { Curve, makeLibSignalRepository, proto } from "#connector/baileys/baileys.ts";
import {
  assertKeysHardened,
  assertPeersVerified,
  checkBeforeStart,
  clockSkewMs,
} from "#connector/self-checks.ts";
import { createLog } from "#shared/log.ts";
import { quiet } from "../support/quiet-log.ts";
import { fileDatabase } from "./connector.fixture.ts";

const file = fileDatabase();

function recordedLog() {
  const lines: Array<Record<string, unknown>> = [];
  const log = createLog("info", { write: (line: string) => void lines.push(JSON.parse(line)) });
  return { lines, log };
}

test("a healthy start logs nothing", async () => {
  const { lines, log } = recordedLog();
  await checkBeforeStart(file.database.db, { encryptionKeys: [randomBytes(32)] }, log);
  expect(lines).toEqual([]);
});

test("a key store whose transactions overlap fails the self-check", async () => {
  await assertKeysHardened(quiet);
  const asInBaileys = () => makeLibSignalRepository;
  await expect(assertKeysHardened(quiet, asInBaileys)).rejects.toMatchObject({ name: "SelfCheckError" });
});

test("a Baileys that accepts a forged signature, key bundle or certificate fails the self-check", async () => {
  await assertPeersVerified();
  const sound = {
    verify: Curve.verify,
    makeRepository: makeLibSignalRepository,
    decodeChain: (bytes: Uint8Array): unknown => proto.CertChain.decode(bytes),
  };
  const credulous: (typeof makeLibSignalRepository)[] = [
    (...parts) => ({ ...makeLibSignalRepository(...parts), injectE2ESession: async () => undefined }),
  ];
  for (const weaker of [
    { ...sound, verify: () => true },
    ...credulous.map((makeRepository) => ({ ...sound, makeRepository })),
    { ...sound, decodeChain: () => ({}) },
  ]) {
    await expect(assertPeersVerified(weaker)).rejects.toMatchObject({ name: "SelfCheckError" });
  }
});

test("clock skew is measured against the database's clock", async () => {
  const fast = await clockSkewMs(file.database.db, () => Date.now() + 3_600_000);
  expect(Math.round(fast / 60_000)).toBe(-60);
});

test("credentials that no key opens are logged, with their number", async () => {
  const { db } = file.database;
  const mine = randomBytes(32);
  for (const [channelId, masterKey] of [
    ["ours", mine],
    ["theirs", randomBytes(32)],
  ] as const) {
    await using auth = await openAuthState({
      ...{ db, channelId, epoch: 1, masterKeys: [masterKey], server: "whatsapp" },
      onLost: () => undefined,
    });
    await auth.create();
    Object.assign(auth.state.creds, { me: { id: "15550100001@s.whatsapp.net" }, account: {} });
    auth.save();
    await auth.flush();
  }
  const { lines, log } = recordedLog();
  await checkBeforeStart(db, { encryptionKeys: [mine] }, log);
  expect(lines).toMatchObject([{ level: "error", event: "self_check", unopened: 1, among: 2 }]);
  await checkBeforeStart(db, { encryptionKeys: [randomBytes(32), mine] }, quiet);
});
