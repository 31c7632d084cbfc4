import fc from "fast-check";
import { expect, test } from "vitest";
import { decodeCreds, decodeValue, encodeCreds, encodeValue } from "#connector/auth/row-codec.ts";
import { BufferJSON, initAuthCreds, proto } from "#connector/baileys/baileys.ts";
import { createParty, introduce, memoryStore } from "../baileys/signal-party.fixture.ts";
import { pair } from "./auth.fixture.ts";
import { keyTypes, keyValue } from "./key-values.fixture.ts";

test.each(keyTypes)("%s values decode unchanged, bytes as bytes", (type) => {
  fc.assert(
    fc.property(keyValue(type), (value) => {
      expect(decodeValue(type, encodeValue(type, value))).toStrictEqual(value);
    }),
  );
});

test("bytes and words within a session decode as what they were", () => {
  const session = {
    _sessions: { base: { bytes: Buffer.from("key"), word: "Buffer", indexInfo: { closed: -1 } } },
  };
  expect(decodeValue("session", encodeValue("session", session as never))).toEqual(session);
});

test("a session of libsignal is stored as the text that has a look at each value", async () => {
  const alice = createParty("15550100001@s.whatsapp.net", memoryStore());
  const bob = createParty("15550100002@s.whatsapp.net", memoryStore());
  await introduce(alice, bob);
  await alice.repository.encryptMessage({ jid: bob.jid, data: Buffer.from("text") });
  const { "15550100002.0": session } = await alice.keys.get("session", ["15550100002.0"]);
  if (!session) throw new Error("no session");
  expect(Object.keys(session)).toContain("_sessions");
  expect(encodeValue("session", session)).toBe(JSON.stringify(session, BufferJSON.replacer));
});

test("an app state key decodes to the protobuf object that Baileys needs", () => {
  const key = proto.Message.AppStateSyncKeyData.fromObject({ keyData: Buffer.alloc(32, 1), timestamp: 5 });
  const back = decodeValue("app-state-sync-key", encodeValue("app-state-sync-key", key));
  expect(back).toBeInstanceOf(proto.Message.AppStateSyncKeyData);
  expect(Buffer.from(back.keyData ?? [])).toEqual(Buffer.alloc(32, 1));
});

test("an object of numbers with number-like keys stays an object", () => {
  const value = { version: 1, hash: Buffer.from("h"), indexValueMap: {}, 7: 1 };
  const numbers = { "1": 2, "3": 4 } as never;
  expect(decodeValue("sender-key-memory", encodeValue("sender-key-memory", numbers))).toEqual({
    "1": 2,
    "3": 4,
  });
  expect(decodeValue("app-state-sync-version", encodeValue("app-state-sync-version", value))).toEqual(value);
});

test("credentials decode with their bytes, their account and their server", () => {
  const creds = initAuthCreds();
  pair(creds);
  const back = decodeCreds(encodeCreds({ server: "wss://here", creds }));
  expect(back.server).toBe("wss://here");
  expect(back.creds.noiseKey.private).toEqual(Buffer.from(creds.noiseKey.private));
  expect(back.creds.me).toEqual(creds.me);
  const encode = (account: typeof creds.account) =>
    Buffer.from(proto.ADVSignedDeviceIdentity.encode(account ?? {}).finish());
  expect(encode(back.creds.account)).toEqual(encode(creds.account));
});
