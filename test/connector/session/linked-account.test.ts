import { expect, test } from "vitest";
import { initAuthCreds } from "#connector/baileys/baileys.ts";
import type { PairingMethod } from "#connector/machine/machine.ts";
import { createLinkedAccount } from "#connector/session/linked-account.ts";

const qr: PairingMethod = { kind: "qr" };
const code = (phoneNumber: string): PairingMethod => ({ kind: "code", phoneNumber });
const ours = "15550100001";
const other = "15550100002";

interface Given {
  givenNumber?: string | null;
  /** The account that was linked before. */
  taken?: string | null;
  /** The account that is linked now. */
  me?: { id: string; lid?: string } | null;
}

function identity({
  givenNumber = null,
  taken = null,
  me = { id: `${other}:3@s.whatsapp.net`, lid: "222:3@lid" },
}: Given) {
  const written: unknown[] = [];
  const creds = { ...initAuthCreds(), ...(me ? { me } : {}) };
  const auth = {
    linked: () => me !== null,
    state: { creds, keys: { get: async () => ({}), set: () => undefined } },
  };
  const channelStore = { setAccount: async (...values: unknown[]) => void written.push(values) };
  return {
    written,
    creds,
    identity: createLinkedAccount({ channel: { givenNumber, lid: taken }, auth, channelStore }),
  };
}

const isStranger = (given: Given, method: PairingMethod = qr) =>
  identity(given).identity.isWrongAccount(method);

test("whoever links is welcome where no number was given", () => {
  expect(isStranger({})).toBe(false);
});

test("a number given at create binds the account, whatever number the pairing names", () => {
  expect(isStranger({ givenNumber: ours })).toBe(true);
  expect(isStranger({ givenNumber: ours }, code(other))).toBe(true);
  expect(isStranger({ givenNumber: other }, code(ours))).toBe(false);
});

test("a number given with the pairing binds the account where none was given at create", () => {
  expect(isStranger({}, code(ours))).toBe(true);
  expect(isStranger({}, code(other))).toBe(false);
});

test("the account that was linked before is another one's stranger only by its LID", () => {
  expect(isStranger({ givenNumber: ours, taken: "111@lid" })).toBe(true);
  expect(isStranger({ givenNumber: ours, taken: "222@lid" })).toBe(false);
});

test("an account that is not known cannot be a stranger", () => {
  expect(isStranger({ givenNumber: ours, me: null })).toBe(false);
  expect(isStranger({ givenNumber: ours, me: { id: "222@lid", lid: "222@lid" } })).toBe(false);
});

test("an account that changes its number stays the channel's, and the number follows", async () => {
  const {
    identity: mine,
    creds,
    written,
  } = identity({
    givenNumber: ours,
    me: { id: `${ours}:3@s.whatsapp.net`, lid: "111:3@lid" },
  });
  expect(mine.isWrongAccount(qr)).toBe(false);
  await mine.remember();
  creds.me = { id: `${other}:3@s.whatsapp.net`, lid: "111:3@lid" };
  expect(mine.isWrongAccount(qr)).toBe(false);
  expect(mine.ownJid()).toBe(`${other}@s.whatsapp.net`);
  await mine.remember();
  expect(written).toEqual([
    [ours, "111@lid"],
    [other, "111@lid"],
  ]);
});

test("nobody is linked: there is no JID of one's own", () => {
  expect(identity({ me: null }).identity.ownJid()).toBe("");
});
