import type { BinaryNode } from "@whiskeysockets/baileys";
import { answerGroup, answerParticipating } from "../groups/queries.ts";
import type { Connection } from "../network/connection.ts";
import { replay } from "../network/mailbox.ts";
import type { Network } from "../network/network.ts";
import { receiveCodeStage } from "../pairing/code.ts";
import { forgetCompanion, sendDeviceRemoved } from "../pairing/unlink.ts";
import { answerPreKeyBundles, storePreKeys } from "../signal/pre-key-bundle.ts";
import type { LinkedClient } from "../state/person.ts";
import type { Companion } from "../state/state.ts";
import { bigEndian, children, serverJid, stanza } from "../wire/stanza.ts";
import { syncAppState } from "./app-state.ts";
import { startInitialSync } from "./initial-sync.ts";
import { answerUsync } from "./usync.ts";

interface Query extends LinkedClient {
  network: Network;
  connection: Connection;
  iq: BinaryNode;
  /** First child of the iq. */
  request: BinaryNode | undefined;
}

/** The content of the result, or an error. `after` runs once the result is on the wire. */
type Answer = BinaryNode[] | { content: BinaryNode[]; after: () => void } | { error: number; text: string };
type Handler = (query: Query) => Answer | Promise<Answer>;

const nothing = (): BinaryNode[] => [];
const mediaTtlSeconds = 300;
const mediaBytesMax = 100 * 1024 * 1024;

/** Handlers for every query that Baileys sends to a server, by namespace, type and first child; `*` is any child. */
const handlers: Record<string, Handler> = {
  "encrypt get count": ({ network, companion }) => [
    stanza("count", { value: companion.preKeys.length || network.firstPreKeyCount }),
  ],
  "encrypt set registration": ({ network, companion, iq }) => {
    storePreKeys(network, companion, iq);
    return [];
  },
  "encrypt set rotate": ({ network, companion, request }) => {
    if (request) storePreKeys(network, companion, request);
    return [];
  },
  "encrypt get digest": ({ companion }) => [digest(companion)],
  "encrypt get key": ({ network, request }) => answerPreKeyBundles(network, request),
  "passive set active": (query) => ({ content: [], after: () => activate(query) }),
  "passive set passive": nothing,
  "usync get usync": ({ network, companion, iq }) => answerUsync(network, companion, iq),
  "abt get props": () => [stanza("props", { hash: "sandbox", refresh: 86_400 })],
  "blocklist get *": () => [stanza("list")],
  "blocklist set *": nothing,
  "privacy get privacy": () => [stanza("privacy", {}, privacyCategories())],
  "privacy set privacy": nothing,
  "privacy set tokens": () => [stanza("tokens")],
  "w:p get ping": nothing,
  "w:sync:app:state set sync": ({ network, person, iq }) => syncAppState(network, person, iq),
  "w:m set media_conn": ({ network }) => [mediaConnection(network)],
  "w:stats * *": nothing,
  "w:g2 get participating": ({ network, person }) => answerParticipating(network, person),
  "w:g2 get query": ({ network, person, iq }) => answerGroup(network, person, iq),
  "w:profile:picture get picture": () => ({ error: 404, text: "item-not-found" }),
  "w:profile:picture set *": nothing,
  "status set status": nothing,
  "disappearing_mode set disappearing_mode": nothing,
  "urn:xmpp:whatsapp:dirty set clean": nothing,
  "md set remove-companion-device": async ({ network, person, companion }) => {
    const connection = await forgetCompanion(network, person, companion);
    return { content: [], after: () => sendDeviceRemoved(connection) };
  },
};

/** Answers an iq, or counts it as unknown and refuses it. */
export async function answerQuery(network: Network, connection: Connection, iq: BinaryNode): Promise<void> {
  const { type, xmlns = "" } = iq.attrs;
  if (type === "result" || type === "error") {
    if (!connection.resolveQuery(iq)) network.log(`${connection.id} answered an unknown query`);
    return;
  }
  const request = children(iq)[0];
  const kind = `${xmlns} ${type} ${request?.tag ?? ""}`.trim();
  network.counts.queries[kind] = (network.counts.queries[kind] ?? 0) + 1;
  if (network.rules.takeIgnoredQuery(xmlns, request?.tag)) return;
  const refusal = network.rules.takeRefusedQuery(xmlns);
  const answer =
    refusal === null
      ? await answerFor(network, connection, iq, request)
      : { error: refusal, text: "not-acceptable" };
  if ("error" in answer) {
    return reply(connection, iq, "error", [stanza("error", { code: answer.error, text: answer.text })]);
  }
  reply(connection, iq, "result", "content" in answer ? answer.content : answer);
  if ("after" in answer) answer.after();
}

async function answerFor(
  network: Network,
  connection: Connection,
  iq: BinaryNode,
  request: BinaryNode | undefined,
): Promise<Answer> {
  const { xmlns, type } = iq.attrs;
  if (xmlns === "md" && request?.tag === "link_code_companion_reg") {
    return receiveCodeStage(network, connection, request);
  }
  const key = `${xmlns} ${type} ${request?.tag ?? ""}`;
  const handler = handlers[key] ?? handlers[`${xmlns} ${type} *`] ?? handlers[`${xmlns} * *`];
  // A socket that is waiting to be paired sends keep-alives, and may send no other query.
  if (!connection.owner && xmlns === "w:p") return [];
  if (!handler || !connection.owner) {
    network.counts.unknownNodes += 1;
    network.log(`${connection.id} sent an unknown query: ${key}`);
    return { error: 501, text: "feature-not-implemented" };
  }
  return handler({ network, connection, iq, request, ...connection.owner });
}

function reply(
  connection: Connection,
  iq: BinaryNode,
  type: "result" | "error",
  content: BinaryNode[],
): void {
  const attributes = { from: serverJid, type, id: iq.attrs.id };
  connection.send(stanza("iq", attributes, content.length > 0 ? content : undefined));
}

function activate({ network, connection, person, companion }: Query): void {
  replay(network, connection, companion);
  if (!companion.hasInitialSync) network.background(() => startInitialSync(network, person, companion));
}

const digest = (companion: Companion): BinaryNode =>
  stanza("digest", {}, [
    stanza("registration", {}, bigEndian(companion.registrationId, 4)),
    stanza("type", {}, Buffer.of(5)),
    stanza("identity", {}, companion.identity),
    stanza("hash", {}, Buffer.alloc(20)),
  ]);

const privacyCategories = (): BinaryNode[] =>
  ["readreceipts", "last", "online", "profile", "status", "groupadd", "calladd"].map((name) =>
    stanza("category", { name, value: "all" }),
  );

const mediaConnection = ({ media }: Network): BinaryNode =>
  stanza(
    "media_conn",
    { auth: "sandbox", ttl: mediaTtlSeconds, auth_ttl: mediaTtlSeconds, max_buckets: 12 },
    [stanza("host", { hostname: media.hostname, maxContentLengthBytes: mediaBytesMax })],
  );
