import type { ChannelStatus } from "#shared/channel.ts";
import type { EventData, LiveEventData } from "#shared/events.ts";
import type { ReceivedContent } from "#shared/received-content.ts";
import type { Channel, Control } from "./answers.ts";
import { contentWords } from "./content-words.ts";
import { failureOf, further, type Outcome } from "./outcome.ts";
import type { Pairing } from "./pairing.ts";

/** A message written here and accepted by the server, or one that another program sends. */
export interface OwnMessage {
  kind: "own";
  id: string;
  /** The name of the other program's key, as far as it is known; absent for one written here. */
  by?: string | null;
  messageId: string;
  commandId: string | null;
  to: string;
  text: string;
  /** The kind of media, and its URL. */
  media: { type: string; url: string } | null;
  outcome: Outcome;
  /** Milliseconds. */
  at: number;
}

/** A message from the event log: received from a contact, or sent from the phone. */
export interface EventMessage {
  kind: "incoming" | "phone";
  id: string;
  messageId: string;
  /** The chat's JID. */
  chat: string;
  /** The author's JID. */
  sender: string;
  /** Of the author, or of whom the account writes to. */
  phoneNumber: string | null;
  text: string;
  content: ReceivedContent;
  at: number;
  isEdited: boolean;
  isDeleted: boolean;
  /** By the JID of whoever reacted. */
  reactions: ReadonlyMap<string, string>;
}

/** Events that the page missed while it was not subscribed. */
interface Gap {
  kind: "gap";
  id: string;
  at: number;
}

export type Entry = OwnMessage | EventMessage | Gap;

/** A channel and everything the page knows about it. */
export interface ChannelView extends Channel {
  pairing: Pairing | null;
  /** The number for which a pairing code was requested here, as typed. */
  requestedNumber: string | null;
  /** Number of the last event received; null before the first subscription. */
  seq: number | null;
  /** Oldest first. */
  entries: readonly Entry[];
  /** Outcomes of messages unknown to the page: an event can overtake the response that names its message. */
  early: ReadonlyMap<string, Outcome>;
  /** The outcome of the last request, until the channel's status changes. */
  request: Control;
}

type EventNames = EventData & LiveEventData;
interface Envelope {
  channelId: string;
  seq?: number;
  /** RFC 3339. */
  timestamp?: string;
}

export type LiveEvent = {
  [N in keyof EventNames]: { name: N; data: Envelope & EventNames[N] };
}[keyof EventNames];

const entriesMax = 500;
const earlyMax = 50;

export function newChannelView(channel: Channel): ChannelView {
  return {
    ...channel,
    pairing: null,
    requestedNumber: null,
    seq: null,
    entries: [],
    early: new Map(),
    request: "done",
  };
}

/** The channel as the API just returned it, with what events have added. */
export function refreshed(view: ChannelView, channel: Channel): ChannelView {
  return { ...view, ...channel, pairing: isPairing(channel.status) ? view.pairing : null };
}

/** Like `refreshed`, but keeps the status from live events, which is newer than the one in the response. */
export function refreshedWhileLive(view: ChannelView, channel: Channel): ChannelView {
  const { status, reason, retryAt } = view;
  return { ...view, ...channel, status, reason, retryAt };
}

/** Applies one event. `now` in milliseconds, for events without a time. */
export function applyEvent(view: ChannelView, event: LiveEvent, now: number): ChannelView {
  const seq = event.data.seq === undefined ? view.seq : Math.max(view.seq ?? 0, event.data.seq);
  return { ...applyData(view, event, now), seq };
}

function applyData(view: ChannelView, event: LiveEvent, now: number): ChannelView {
  switch (event.name) {
    case "connection_update":
      return withStatus(view, event.data);
    case "qr_code":
      return { ...view, pairing: { kind: "qr", ...event.data } };
    case "pairing_code":
      return { ...view, pairing: { kind: "code", ...event.data } };
    case "incoming_message":
      return withEntry(view, eventMessage("incoming", event.data, now));
    case "outgoing_message":
      return event.data.origin === "api"
        ? withOwnMessage(view, programMessage(event.data, now))
        : withEntry(view, eventMessage("phone", event.data, now));
    case "message_edited": {
      const { message, content } = event.data;
      // An edit that cannot be read leaves what was said before.
      const said = content.type === "unavailable" ? {} : { text: message, content };
      return withChange(view, event.data, (entry) => ({ ...entry, ...said, isEdited: true }));
    }
    case "message_deleted":
      return withChange(view, event.data, (entry) => ({ ...entry, isDeleted: true }));
    case "reaction":
      return withChange(view, event.data, (entry) => ({ ...entry, reactions: reacted(entry, event.data) }));
    case "poll_vote":
    case "event_response":
    case "message_pinned":
    case "message_kept":
      return view;
    case "message_status_update": {
      const { messageId, status, error } = event.data;
      const failure = error ? failureOf(error.code, error.whatsappCode) : null;
      return withOutcome(view, messageId, { status, failure });
    }
  }
}

/** The subscription starts at `seq`; events between the last one received and that are missing here. */
export function subscribed(view: ChannelView, seq: number, now: number): ChannelView {
  const isMissing = view.seq !== null && seq > view.seq;
  const entry: Gap = { kind: "gap", id: `gap-${seq}`, at: now };
  return { ...(isMissing ? withEntry(view, entry) : view), seq };
}

function withEntry(view: ChannelView, entry: Entry): ChannelView {
  return { ...view, entries: [...view.entries, entry].slice(-entriesMax) };
}

/** Changes a message of the log, which its id names together with its author; one of ours that was written here keeps its form. */
function withChange(
  view: ChannelView,
  { from, author, messageId }: Pick<EventData["message_deleted"], "from" | "author" | "messageId">,
  change: (entry: EventMessage) => EventMessage,
): ChannelView {
  const isIt = (entry: Entry): entry is EventMessage =>
    (entry.kind === "incoming" || entry.kind === "phone") &&
    entry.chat === from &&
    entry.sender === author &&
    entry.messageId === messageId;
  return { ...view, entries: view.entries.map((entry) => (isIt(entry) ? change(entry) : entry)) };
}

/** A reaction that cannot be read leaves the former one. */
function reacted({ reactions }: EventMessage, { sender, emoji }: EventData["reaction"]) {
  if (emoji === undefined) return reactions;
  const others = [...reactions].filter(([who]) => who !== sender);
  return new Map(emoji === null ? others : [...others, [sender, emoji]]);
}

/**
 * Adds a message that the server accepted; its first outcomes, and its announcement to every listener, may have arrived already:
 * what is written here says more.
 */
export function withOwnMessage(view: ChannelView, own: OwnMessage): ChannelView {
  const isIt = ({ messageId }: OwnMessage) => messageId === own.messageId;
  if (view.entries.some((entry) => entry.kind === "own" && isIt(entry))) {
    if (own.by !== undefined) return view;
    return withOwn(view, isIt, ({ by: _, ...known }) => ({
      ...known,
      commandId: own.commandId,
      media: own.media,
    }));
  }
  const known = view.early.get(own.messageId);
  return withEntry(view, known ? { ...own, outcome: further(own.outcome, known) } : own);
}

export function withOutcome(view: ChannelView, messageId: string, outcome: Outcome): ChannelView {
  const isIt = (own: OwnMessage) => own.messageId === messageId;
  if (view.entries.some((entry) => entry.kind === "own" && isIt(entry)))
    return withOwn(view, isIt, (own) => ({ ...own, outcome: further(own.outcome, outcome) }));
  const before = view.early.get(messageId);
  const kept = [...view.early].filter(([id]) => id !== messageId).slice(1 - earlyMax);
  return { ...view, early: new Map([...kept, [messageId, before ? further(before, outcome) : outcome]]) };
}

/** Messages written here whose outcome is still open. */
export function unsettled(view: ChannelView): { messageId: string; commandId: string }[] {
  return view.entries.flatMap((entry) => {
    if (entry.kind !== "own" || entry.commandId === null) return [];
    const { messageId, commandId, outcome } = entry;
    return outcome.status === "queued" || outcome.status === "unknown" ? [{ messageId, commandId }] : [];
  });
}

function withOwn(
  view: ChannelView,
  isIt: (own: OwnMessage) => boolean,
  change: (own: OwnMessage) => OwnMessage,
): ChannelView {
  const entries = view.entries.map((entry) => (entry.kind === "own" && isIt(entry) ? change(entry) : entry));
  return { ...view, entries };
}

/** A code survives a brief `connecting`, because it arrives separately from the status; it ends with the attempt. */
function withStatus(view: ChannelView, data: EventData["connection_update"]): ChannelView {
  return {
    ...view,
    status: data.status,
    reason: data.reason ?? null,
    retryAt: data.retryAt ?? null,
    pairing: isPairing(data.status) ? view.pairing : null,
    request: "done",
  };
}

function isPairing(status: ChannelStatus): boolean {
  return status === "connecting" || status === "qr_ready" || status === "pairing_code_ready";
}

/** A message that another program sends. */
function programMessage(
  { messageId, to, message, content, via, sentAt }: EventData["outgoing_message"],
  now: number,
): OwnMessage {
  const at = Date.parse(sentAt);
  return {
    ...{ kind: "own", id: `own-${messageId}`, by: via ?? null, messageId, commandId: null, to },
    text: message || (content.type === "text" ? "" : contentWords(content)),
    ...{ media: null, outcome: { status: "queued", failure: null }, at: Number.isNaN(at) ? now : at },
  };
}

function eventMessage(
  kind: EventMessage["kind"],
  data: Envelope & (EventData["incoming_message"] | EventData["outgoing_message"]),
  now: number,
): EventMessage {
  const at = Date.parse(data.sentAt);
  return {
    kind,
    id: `${kind}-${data.from}-${data.sender}-${data.messageId}`,
    messageId: data.messageId,
    chat: data.from,
    sender: data.sender,
    phoneNumber: data.phoneNumber ?? null,
    text: data.message,
    content: data.content,
    at: Number.isNaN(at) ? now : at,
    isEdited: false,
    isDeleted: false,
    reactions: new Map(),
  };
}
