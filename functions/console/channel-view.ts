import type { ChannelStatus } from "#shared/channel.ts";
import type { EventData, LiveEventData, MessageContent } from "#shared/events.ts";
import type { Channel } from "./answers.ts";
import { failureOf, further, type Outcome } from "./outcome.ts";
import type { Pairing } from "./pairing.ts";

/** A message written here, and taken by the server. */
export interface OwnMessage {
  kind: "own";
  id: string;
  messageId: string;
  commandId: string | null;
  to: string;
  text: string;
  /** The kind of media, and its address. */
  media: { type: string; url: string } | null;
  outcome: Outcome;
  /** Milliseconds. */
  at: number;
}

/** A message that WhatsApp told of: from a contact, or written on the phone. */
export interface HeardMessage {
  kind: "incoming" | "phone";
  id: string;
  /** The chat's JID. */
  chat: string;
  phoneNumber: string | null;
  text: string;
  content: MessageContent;
  at: number;
}

/** Events passed while the page was not listening. */
interface Gap {
  kind: "gap";
  id: string;
  at: number;
}

export type Entry = OwnMessage | HeardMessage | Gap;

/** A channel and everything the page has heard of it. */
export interface ChannelView extends Channel {
  pairing: Pairing | null;
  /** The number that a pairing code was asked for here, as it was typed. */
  askedNumber: string | null;
  /** Number of the last event heard; null before the first subscription. */
  seq: number | null;
  /** Oldest first. */
  entries: readonly Entry[];
  /** Outcomes of messages the page does not know (yet): an event can overtake the answer that names its message. */
  early: ReadonlyMap<string, Outcome>;
  /** What was asked last waits until a connector is there. */
  isStored: boolean;
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
    askedNumber: null,
    seq: null,
    entries: [],
    early: new Map(),
    isStored: false,
  };
}

/** The channel as the API tells it now, with what was heard before. */
export function refreshed(view: ChannelView, channel: Channel): ChannelView {
  return { ...view, ...channel, pairing: isPairing(channel.status) ? view.pairing : null };
}

/** As `refreshed`, beside live events: they know the status better than an answer that was read meanwhile. */
export function refreshedWhileLive(view: ChannelView, channel: Channel): ChannelView {
  const { status, reason, retryAt } = view;
  return { ...view, ...channel, status, reason, retryAt };
}

/** What one event changes. `now` in milliseconds, for events that carry no time. */
export function hear(view: ChannelView, event: LiveEvent, now: number): ChannelView {
  const seq = event.data.seq === undefined ? view.seq : Math.max(view.seq ?? 0, event.data.seq);
  return { ...applied(view, event, now), seq };
}

function applied(view: ChannelView, event: LiveEvent, now: number): ChannelView {
  switch (event.name) {
    case "connection_update":
      return withStatus(view, event.data);
    case "qr_code":
      return { ...view, pairing: { kind: "qr", ...event.data } };
    case "pairing_code":
      return { ...view, pairing: { kind: "code", ...event.data } };
    case "incoming_message":
      return withEntry(view, heardMessage("incoming", event.data, now));
    case "outgoing_message":
      return withEntry(view, heardMessage("phone", event.data, now));
    case "message_status_update": {
      const { messageId, status, error } = event.data;
      const failure = error ? failureOf(error.code, error.whatsappCode) : null;
      return withOutcome(view, messageId, { status, failure });
    }
  }
}

/** The subscription stands at `seq`; whatever lies between that and what was heard is missing here. */
export function subscribed(view: ChannelView, seq: number, now: number): ChannelView {
  const isMissing = view.seq !== null && seq > view.seq;
  const entry: Gap = { kind: "gap", id: `gap-${seq}`, at: now };
  return { ...(isMissing ? withEntry(view, entry) : view), seq };
}

function withEntry(view: ChannelView, entry: Entry): ChannelView {
  return { ...view, entries: [...view.entries, entry].slice(-entriesMax) };
}

/** A message that the server took; its first outcomes may have been heard already. */
export function withOwnMessage(view: ChannelView, own: OwnMessage): ChannelView {
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

/** Messages written here whose fate the page has not heard. */
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

/** A code outlives a short `connecting`, since it travels apart from the status; it ends with the attempt. */
function withStatus(view: ChannelView, data: EventData["connection_update"]): ChannelView {
  return {
    ...view,
    status: data.status,
    reason: data.reason ?? null,
    retryAt: data.retryAt ?? null,
    pairing: isPairing(data.status) ? view.pairing : null,
    isStored: false,
  };
}

function isPairing(status: ChannelStatus): boolean {
  return status === "connecting" || status === "qr_ready" || status === "pairing_code_ready";
}

function heardMessage(
  kind: HeardMessage["kind"],
  data: Envelope & (EventData["incoming_message"] | EventData["outgoing_message"]),
  now: number,
): HeardMessage {
  const at = Date.parse(data.sentAt);
  return {
    kind,
    id: `${kind}-${data.from}-${data.messageId}`,
    chat: data.from,
    phoneNumber: data.phoneNumber ?? null,
    text: data.message,
    content: data.content,
    at: Number.isNaN(at) ? now : at,
  };
}
