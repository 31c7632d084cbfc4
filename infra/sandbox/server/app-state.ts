import { randomBytes } from "node:crypto";
import { type BinaryNode, encodeSyncdPatch, newLTHashState, proto } from "@whiskeysockets/baileys";
import type { Network } from "../network/network.ts";
import type { Person } from "../state/person.ts";
import type { AppStateCollection, PersonState } from "../state/state.ts";
import { child, children, contentOf, stanza } from "../wire/stanza.ts";

/** Settings that a person's devices share: made with the first linked client, the name set in it, so that clients know their own name. */
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

/** Takes patches that a client sends, and answers with those it has not seen. Each asked collection must come back: Baileys asks until it does. */
export async function syncAppState(network: Network, person: Person, iq: BinaryNode): Promise<BinaryNode[]> {
  const { collections } = await ensureAppState(person);
  const answers = children(child(iq, "sync"), "collection").map((asked) => {
    const name = asked.attrs.name ?? "";
    const collection = collections[name] ?? { version: 0, patches: [] };
    collections[name] = collection;
    const known = Number(asked.attrs.version ?? 0);
    const sent = children(asked, "patch");
    for (const patch of sent) append(collection, contentOf(patch));
    const news = sent.length > 0 ? [] : collection.patches.slice(known);
    const patches = news.map((patch) => stanza("patch", {}, patch));
    const content = patches.length > 0 ? [stanza("patches", {}, patches)] : undefined;
    return stanza("collection", { name, version: known + news.length + sent.length }, content);
  });
  network.changed();
  return [stanza("sync", {}, answers)];
}

/** A patch carries its version: without, a client would take all patches of one answer for the same. */
function append(collection: AppStateCollection, patch: Buffer): void {
  collection.version += 1;
  const numbered = proto.SyncdPatch.decode(patch);
  numbered.version = proto.SyncdVersion.create({ version: collection.version });
  collection.patches.push(Buffer.from(proto.SyncdPatch.encode(numbered).finish()));
}
