import { randomBytes } from "node:crypto";
import { type BinaryNode, encodeSyncdPatch, newLTHashState, proto } from "@whiskeysockets/baileys";
import type { Network } from "../network/network.ts";
import type { Person } from "../state/person.ts";
import type { AppStateCollection, PersonState } from "../state/state.ts";
import { child, children, contentOf, stanza } from "../wire/stanza.ts";

/** The settings that a person's devices share, created with the first linked client. They contain the push name, from which clients learn their own name. */
export async function ensureAppState(person: Person): Promise<NonNullable<PersonState["appState"]>> {
  const { state } = person;
  if (state.appState) return state.appState;
  const keyId = randomBytes(6);
  const keyData = randomBytes(32);
  const { patch } = await encodeSyncdPatch(
    {
      type: "critical_block",
      index: ["setting_pushName"],
      syncAction: { pushNameSetting: { name: person.pushName }, timestamp: Date.now() },
      apiVersion: 1,
      operation: proto.SyncdMutation.SyncdOperation.SET,
    },
    keyId.toString("base64"),
    newLTHashState(),
    async () => ({ keyData, fingerprint: {}, timestamp: 0 }),
  );
  const collections = { critical_block: { version: 0, patches: [] } };
  append(collections.critical_block, Buffer.from(proto.SyncdPatch.encode(patch).finish()));
  state.appState = { keyId, keyData, collections };
  return state.appState;
}

/** Stores the patches that a client sends, and answers with those it has not seen. The answer must contain every requested collection: Baileys asks until it does. */
export async function syncAppState(network: Network, person: Person, iq: BinaryNode): Promise<BinaryNode[]> {
  const { collections } = await ensureAppState(person);
  const answers = children(child(iq, "sync"), "collection").map((requested) => {
    const name = requested.attrs.name ?? "";
    const collection = collections[name] ?? { version: 0, patches: [] };
    collections[name] = collection;
    const knownVersion = Number(requested.attrs.version ?? 0);
    const sent = children(requested, "patch");
    for (const patch of sent) append(collection, contentOf(patch));
    const unseen = sent.length > 0 ? [] : collection.patches.slice(knownVersion);
    const patches = unseen.map((patch) => stanza("patch", {}, patch));
    const content = patches.length > 0 ? [stanza("patches", {}, patches)] : undefined;
    return stanza("collection", { name, version: knownVersion + unseen.length + sent.length }, content);
  });
  network.changed();
  return [stanza("sync", {}, answers)];
}

/** Adds the version to the patch: without it, a client would take all patches of one answer for the same. */
function append(collection: AppStateCollection, patch: Buffer): void {
  collection.version += 1;
  const numbered = proto.SyncdPatch.decode(patch);
  numbered.version = proto.SyncdVersion.create({ version: collection.version });
  collection.patches.push(Buffer.from(proto.SyncdPatch.encode(numbered).finish()));
}
