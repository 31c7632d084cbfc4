import fc from "fast-check";
import { proto, type SignalDataTypeMap } from "#connector/baileys/baileys.ts";

type KeyType = keyof SignalDataTypeMap;

// JSON yields plain objects.
const plain = { noNullPrototype: true } as const;
const dictionary = <T>(key: fc.Arbitrary<string>, value: fc.Arbitrary<T>) => fc.dictionary(key, value, plain);
const record = <T>(fields: { [K in keyof T]: fc.Arbitrary<T[K]> }) => fc.record(fields, plain);
const bytes = (length: number) =>
  fc.uint8Array({ minLength: length, maxLength: length }).map((value) => Buffer.from(value));
const base64 = fc.base64String({ minLength: 8, maxLength: 44 });
const jid = fc
  .tuple(fc.nat(), fc.constantFrom("s.whatsapp.net", "lid", "g.us"))
  .map(([user, at]) => `${user}@${at}`);

const chain = record({
  chainKey: record({ counter: fc.integer({ min: -1 }), key: base64 }),
  chainType: fc.constantFrom(1, 2),
  messageKeys: dictionary(fc.nat().map(String), base64),
});
const sessionState = record({
  registrationId: fc.nat(),
  currentRatchet: record({
    ephemeralKeyPair: record({ pubKey: base64, privKey: base64 }),
    previousCounter: fc.nat(),
    rootKey: base64,
  }),
  indexInfo: record({ baseKey: base64, closed: fc.constant(-1), used: fc.nat(), created: fc.nat() }),
  // More would be pruned.
  _chains: fc.dictionary(base64, chain, { ...plain, maxKeys: 5 }),
});
const session = record({ _sessions: dictionary(base64, sessionState), version: fc.constant("v1") });

/** The values rc14 really stores, which its types do not always match: a session is a plain object. */
const values = {
  "pre-key": record({ public: bytes(32), private: bytes(32) }),
  session: session as unknown as fc.Arbitrary<Uint8Array>,
  "sender-key": fc.json().map((text) => Buffer.from(text)),
  "sender-key-memory": dictionary(jid, fc.constant(true)),
  "app-state-sync-key": fc
    .record({ keyData: bytes(32), timestamp: fc.nat() })
    .map((key) => proto.Message.AppStateSyncKeyData.fromObject(key)),
  "app-state-sync-version": record({
    version: fc.nat(),
    hash: bytes(128),
    indexValueMap: dictionary(base64, record({ valueMac: bytes(32) })),
  }),
  "lid-mapping": fc.string({ minLength: 1 }),
  "device-list": fc.array(fc.nat().map(String)),
  tctoken: fc.record(
    { token: bytes(16), timestamp: fc.nat().map(String), senderTimestamp: fc.nat() },
    { ...plain, requiredKeys: ["token"] },
  ),
  "identity-key": bytes(33),
} satisfies { [T in KeyType]: fc.Arbitrary<SignalDataTypeMap[T]> };

export const keyTypes = Object.keys(values) as KeyType[];

/** Random values of a key type, as Baileys creates them. */
export function keyValue<T extends KeyType>(type: T): fc.Arbitrary<SignalDataTypeMap[T]> {
  return values[type] as unknown as fc.Arbitrary<SignalDataTypeMap[T]>;
}

/** Ids hold `@ : _ . /` and base64. */
export const keyName = fc.oneof(jid, base64, fc.constantFrom("15550001111_1.0", "__index", "g@g.us::1_1::0"));
