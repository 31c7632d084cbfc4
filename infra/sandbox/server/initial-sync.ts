import { promisify } from "node:util";
import { deflate } from "node:zlib";
import { encodeWAMessage, proto } from "@whiskeysockets/baileys";
import { post } from "../network/mailbox.ts";
import type { Network } from "../network/network.ts";
import { encryptFor } from "../signal/sessions.ts";
import type { Person } from "../state/person.ts";
import type { Companion, PersonState } from "../state/state.ts";
import { jidOf } from "../wire/jid.ts";
import { randomId, stanza, unixNow } from "../wire/stanza.ts";
import { ensureAppState } from "./app-state.ts";

const compress = promisify(deflate);
const { Type } = proto.Message.ProtocolMessage;

/** Sends a newly linked client what a phone sends it: the key to the shared settings, then the contacts. */
export async function startInitialSync(
  network: Network,
  person: Person,
  companion: Companion,
): Promise<void> {
  companion.hasInitialSync = true;
  const appState = await ensureAppState(person);
  await postPeerMessage(network, person, companion, keyShare(appState));
  await postPeerMessage(network, person, companion, await history(network, person));
}

function keyShare(appState: NonNullable<PersonState["appState"]>): proto.Message.IProtocolMessage {
  const keyData = {
    keyData: appState.keyData,
    fingerprint: { rawId: 1, currentIndex: 0, deviceIndexes: [0] },
    timestamp: Date.now(),
  };
  const keys = [{ keyId: { keyId: appState.keyId }, keyData }];
  return { type: Type.APP_STATE_SYNC_KEY_SHARE, appStateSyncKeyShare: { keys } };
}

async function history(network: Network, self: Person): Promise<proto.Message.IProtocolMessage> {
  const people = network.people().slice(0, network.addressBook);
  const syncType = proto.HistorySync.HistorySyncType.INITIAL_BOOTSTRAP;
  const sync = {
    syncType,
    conversations: [],
    pushnames: people.map(({ state }) => ({ id: jidOf(state, "pn"), pushname: state.pushName })),
    phoneNumberToLidMappings: people.map(({ state }) => ({
      pnJid: jidOf(state, "pn"),
      lidJid: jidOf(state, "lid"),
    })),
    progress: 100,
  };
  const payload = await compress(proto.HistorySync.encode(sync).finish());
  return {
    type: Type.HISTORY_SYNC_NOTIFICATION,
    historySyncNotification: {
      syncType,
      progress: 100,
      chunkOrder: 0,
      originalMessageId: randomId(self.phoneNumber.slice(-2)),
      initialHistBootstrapInlinePayload: payload,
    },
  };
}

async function postPeerMessage(
  network: Network,
  person: Person,
  companion: Companion,
  protocolMessage: proto.Message.IProtocolMessage,
): Promise<void> {
  const bytes = encodeWAMessage({ protocolMessage });
  const enc = await encryptFor(network, person, person.phone, { person, companion }, bytes);
  const from = jidOf(person.state, "pn");
  const attributes = { from, id: randomId("3A"), t: unixNow(), type: "text", category: "peer" };
  post(network, companion, stanza("message", attributes, [enc]));
}
