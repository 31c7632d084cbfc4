import { expect, test } from "vitest";
import {
  makeLibSignalRepository,
  type SignalDataSet,
  type SignalKeyStore,
  type SocketConfig,
} from "#connector/baileys/baileys.ts";
import { hardenedSignalRepository } from "#connector/baileys/harden.ts";
import { inboundJournal } from "#connector/baileys/inbound-journal.ts";
import { SocketGoneError } from "#connector/baileys/socket-gone-error.ts";
import { ratchetPosition } from "./ratchet-oracle.fixture.ts";
import { createParty, introduce, jitter, memoryStore, type Party } from "./signal-party.fixture.ts";

const rounds = 200;
const alice = "15550001111@s.whatsapp.net";
const bob = "15550002222@s.whatsapp.net";

type Encrypted = Awaited<ReturnType<Party["repository"]["encryptMessage"]>>;

const wire = jitter();

/** Sends as Baileys does: encryption and the way to the wire in one transaction, labelled with our own id. */
function send(from: Party, to: string): Promise<Encrypted> {
  return from.keys.transaction(async () => {
    const encrypted = await from.repository.encryptMessage({ jid: to, data: Buffer.from("hello") });
    await wire();
    return encrypted;
  }, from.jid);
}

interface Pair {
  us: Party;
  them: Party;
}

/** Alice, whose store is slow, and Bob; each has received a message from the other. */
async function acquainted(
  makeRepository: (store: SignalKeyStore) => SocketConfig["makeSignalRepository"],
): Promise<Pair> {
  const store = memoryStore(jitter());
  const us = createParty(alice, store, makeRepository(store));
  const them = createParty(bob, memoryStore());
  await introduce(us, them);
  const hello = await send(us, bob);
  await them.repository.decryptMessage({ jid: alice, ...hello });
  await us.repository.decryptMessage({ jid: bob, ...(await send(them, alice)) });
  return { us, them };
}

/**
 * Sends to a contact in one loop and receives from it in another; afterwards the contact reads all messages. Resolves
 * to the number of reused ratchet positions and of unreadable messages.
 */
async function race({ us, them }: Pair): Promise<{ reused: number; unreadable: number }> {
  const sent: Encrypted[] = [];
  const sending = async () => {
    while (sent.length < rounds) sent.push(await send(us, bob));
  };
  const receiving = async () => {
    while (sent.length < rounds) {
      const incoming = await send(them, alice);
      await us.repository.decryptMessage({ jid: bob, ...incoming });
    }
  };
  await Promise.all([sending(), receiving()]);
  const positions = new Set(sent.map(({ type, ciphertext }) => ratchetPosition(type, ciphertext)));
  let unreadable = 0;
  for (const message of sent) {
    await them.repository.decryptMessage({ jid: alice, ...message }).catch(() => unreadable++);
  }
  return { reused: sent.length - positions.size, unreadable };
}

test("concurrent sending and receiving reuses no ratchet position, and every message can be read", async () => {
  expect(await race(await acquainted(hardenedSignalRepository))).toEqual({ reused: 0, unreadable: 0 });
});

test("without the hardening the same race reuses positions, so the test above can fail", async () => {
  const { reused, unreadable } = await race(await acquainted(() => makeLibSignalRepository));
  expect(reused).toBeGreaterThan(0);
  expect(unreadable).toBeGreaterThanOrEqual(reused);
});

function hardened(store = memoryStore()) {
  return { store, party: createParty(alice, store, hardenedSignalRepository(store)) };
}

test("transactions of one channel exclude each other, whatever their names", async () => {
  const { party } = hardened();
  const order: string[] = [];
  const gate = Promise.withResolvers<void>();
  const first = party.keys.transaction(async () => {
    await gate.promise;
    order.push("first");
  }, "a");
  const second = party.keys.transaction(async () => void order.push("second"), "b");
  gate.resolve();
  await Promise.all([first, second]);
  expect(order).toEqual(["first", "second"]);
});

test("a transaction of the next socket waits for the former socket's, even if that fails", async () => {
  const { party: former, store } = hardened();
  const next = createParty(alice, store, hardenedSignalRepository(store), former.creds);
  const elsewhere = hardened().party;
  const order: string[] = [];
  const gate = Promise.withResolvers<void>();
  const first = former.keys.transaction(async () => {
    await gate.promise;
    order.push("former");
    throw new Error("the connection is gone");
  }, "a");
  const second = next.keys.transaction(async () => void order.push("next"), "a");
  await elsewhere.keys.transaction(async () => void order.push("another channel"), "a");
  gate.resolve();
  await expect(first).rejects.toThrow("the connection is gone");
  await second;
  expect(order).toEqual(["another channel", "former", "next"]);
});

const note = async ({ keys }: Party, id: string) => keys.set({ "device-list": { [id]: ["0"] } });

test("a transaction that waits on a dead socket is aborted: the next socket proceeds, and nothing of it is stored", async () => {
  const store = memoryStore();
  const gone = new AbortController();
  const make = (signal?: AbortSignal) => hardenedSignalRepository(store, inboundJournal(store), signal);
  const former = createParty(alice, store, make(gone.signal));
  const next = createParty(alice, store, make(), former.creds);
  const answer = Promise.withResolvers<void>();
  const late: Array<Promise<unknown>> = [];
  const waiting = former.keys.transaction(async () => {
    await note(former, "early");
    await answer.promise;
    late.push(note(former, "late"), Promise.resolve(former.keys.get("device-list", ["a"])));
  }, "a");
  const after = next.keys.transaction(() => note(next, "next"), "a");
  gone.abort();
  await expect(waiting).rejects.toThrow(SocketGoneError);
  await after;
  answer.resolve();
  await former.keys.transaction(() => note(former, "own"), "a");
  for (const one of late) await expect(one).rejects.toThrow(SocketGoneError);
  expect(late).toHaveLength(2);
  expect([...store.rows.keys()].sort()).toEqual(["device-list/next", "device-list/own"]);
});

test("a nested transaction is part of the outer one", async () => {
  const { party } = hardened();
  const inner = party.keys.transaction(() => party.keys.transaction(async () => "done", "b"), "a");
  expect(await inner).toBe("done");
});

test("a write that outlives its transaction still reaches the store", async () => {
  const { party, store } = hardened();
  const ended = Promise.withResolvers<void>();
  let late: Promise<void> | undefined;
  await party.keys.transaction(async () => {
    late = ended.promise.then(() => party.keys.set({ "device-list": { late: ["0"] } }));
  }, "a");
  ended.resolve();
  await late;
  expect(store.rows.get("device-list/late")).toBe('["0"]');
});

const abandoned = new Error("abandoned");

/** Ends a transaction without its commit, which would wait for the store. */
function onlyAbandoned(error: unknown): void {
  if (error !== abandoned) throw error;
}

/** A store whose writes never end once it is held. */
function heldStore() {
  const store = memoryStore();
  const { set } = store;
  const queued: SignalDataSet[] = [];
  const held = Promise.withResolvers<void>();
  let isHeld = false;
  store.set = async (data) => {
    if (!isHeld) return set(data);
    queued.push(data);
    await held.promise;
  };
  const hold = () => {
    isHeld = true;
  };
  return { store, queued, hold };
}

test("an encryption queues its ratchet at once, inside its transaction, and does not wait until it is durable", async () => {
  const { store, queued, hold } = heldStore();
  const { party } = hardened(store);
  await introduce(party, createParty(bob, memoryStore()));
  hold();
  await party.keys
    .transaction(async () => {
      await party.repository.encryptMessage({ jid: bob, data: Buffer.from("x") });
      await party.repository.encryptMessage({ jid: bob, data: Buffer.from("y") });
      expect(queued.map((data) => Object.keys(data))).toEqual([["session"], ["session"]]);
      throw new Error("abandoned");
    }, alice)
    .catch(() => undefined);
});

test("a group encryption queues its sender key at once, inside its transaction", async () => {
  const { store, queued, hold } = heldStore();
  const { party } = hardened(store);
  hold();
  await party.keys
    .transaction(async () => {
      await party.repository.encryptGroupMessage({ group: "1@g.us", meId: alice, data: Buffer.from("x") });
      expect(queued.some((data) => "sender-key" in data)).toBe(true);
      throw new Error("abandoned");
    }, alice)
    .catch(() => undefined);
});

test("a decryption queues nothing before its transaction ends, when its plaintext is stored with the ratchet", async () => {
  const { store, queued, hold } = heldStore();
  const { party } = hardened(store);
  const them = createParty(bob, memoryStore());
  await introduce(them, party);
  const hello = await send(them, alice);
  hold();
  await party.keys
    .transaction(async () => {
      await party.repository.decryptMessage({ jid: bob, ...hello });
      expect(queued).toEqual([]);
      throw new Error("abandoned");
    }, alice)
    .catch(() => undefined);
});

test("an encryption rejects if its ratchet cannot be queued", async () => {
  const store = memoryStore();
  const { party } = hardened(store);
  await introduce(party, createParty(bob, memoryStore()));
  store.set = () => Promise.reject(new Error("no space"));
  await expect(send(party, bob)).rejects.toThrow("no space");
});

test("a new pre-key and its number are queued before the transaction goes on, so that it can be told to a contact", async () => {
  const { store, queued, hold } = heldStore();
  const { keys, creds } = createParty(alice, store, hardenedSignalRepository(store));
  const { signedPreKey } = creds;
  hold();
  await keys
    .transaction(async () => {
      await keys.set({ "pre-key": { "7": signedPreKey.keyPair } });
      expect(queued.map((data) => Object.keys(data["pre-key"] ?? {}))).toEqual([["7"]]);
      expect(creds.nextPreKeyId).toBe(8);
      throw abandoned;
    }, alice)
    .catch(onlyAbandoned);
});
