import { expect, test } from "vitest";
import { initAuthCreds } from "#connector/baileys/baileys.ts";
import type { PairingMethod } from "#connector/machine/machine.ts";
import { createLinkedAccount } from "#connector/session/linked-account.ts";

const qr: PairingMethod = { kind: "qr" };
const code = (phoneNumber: string): PairingMethod => ({ kind: "code", phoneNumber });
const ours = "15550100001";
const other = "15550100002";

interface Situation {
  givenNumber?: string | null;
  /** The LID of the account that was linked before. */
  acceptedLid?: string | null;
  /** The account that is linked now. */
  me?: { id: string; lid?: string } | null;
}

function linkedAccount({
  givenNumber = null,
  acceptedLid = null,
  me = { id: `${other}:3@s.whatsapp.net`, lid: "222:3@lid" },
}: Situation) {
  const creds = { ...initAuthCreds(), ...(me ? { me } : {}) };
  const auth = {
    linked: () => me !== null,
    state: { creds, keys: { get: async () => ({}), set: () => undefined } },
  };
  return {
    creds,
    account: createLinkedAccount({ channel: { givenNumber, lid: acceptedLid }, auth }),
  };
}

const isWrongAccount = (situation: Situation, method: PairingMethod = qr) =>
  linkedAccount(situation).account.isWrongAccount(method);

test("any account may link where the caller gave no number", () => {
  expect(isWrongAccount({})).toBe(false);
});

test("a number given at create binds the account, whatever number the pairing names", () => {
  expect(isWrongAccount({ givenNumber: ours })).toBe(true);
  expect(isWrongAccount({ givenNumber: ours }, code(other))).toBe(true);
  expect(isWrongAccount({ givenNumber: other }, code(ours))).toBe(false);
});

test("a number given with the pairing binds the account where none was given at create", () => {
  expect(isWrongAccount({}, code(ours))).toBe(true);
  expect(isWrongAccount({}, code(other))).toBe(false);
});

test("an account that was linked before is recognised by its LID, whatever its number", () => {
  expect(isWrongAccount({ givenNumber: ours, acceptedLid: "111@lid" })).toBe(true);
  expect(isWrongAccount({ givenNumber: ours, acceptedLid: "222@lid" })).toBe(false);
});

test("an account whose number is unknown is never the wrong one", () => {
  expect(isWrongAccount({ givenNumber: ours, me: null })).toBe(false);
  expect(isWrongAccount({ givenNumber: ours, me: { id: "222@lid", lid: "222@lid" } })).toBe(false);
});

test("an account that changes its number stays accepted once it is stored", async () => {
  const { account, creds } = linkedAccount({
    givenNumber: ours,
    me: { id: `${ours}:3@s.whatsapp.net`, lid: "111:3@lid" },
  });
  expect(account.isWrongAccount(qr)).toBe(false);
  expect(account.linked()).toEqual({ phoneNumber: ours, lid: "111@lid" });
  account.accept(account.linked());
  creds.me = { id: `${other}:3@s.whatsapp.net`, lid: "111:3@lid" };
  expect(account.isWrongAccount(qr)).toBe(false);
  expect(account.ownJid()).toBe(`${other}@s.whatsapp.net`);
  expect(account.linked()).toEqual({ phoneNumber: other, lid: "111@lid" });
});

test("a channel without a linked account has an empty JID", () => {
  expect(linkedAccount({ me: null }).account.ownJid()).toBe("");
});
