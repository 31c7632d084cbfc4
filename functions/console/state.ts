import type { Channel, ChannelList, Control } from "./answers.ts";
import {
  applyEvent,
  type ChannelView,
  type LiveEvent,
  newChannelView,
  type OwnMessage,
  refreshed,
  refreshedWhileLive,
  subscribed,
  withOutcome,
  withOwnMessage,
} from "./channel-view.ts";
import type { Failure, Outcome } from "./outcome.ts";
import type { Pairing } from "./pairing.ts";
import type { RequestError } from "./request-error.ts";

/** `missing`: there has been no connection yet, although there should be one. `offline`: the browser has no network. */
export type Link = "connecting" | "missing" | "live" | "reconnecting" | "offline";

/** Everything the page shows. */
export interface State {
  session: "unknown" | "signed_out" | "signed_in";
  /** Why the session ended, if the user did not sign out. */
  sessionEnd: string | null;
  link: Link;
  /** The page hears of changes, by events or by polling. Otherwise it shows what it last knew. */
  isCurrent: boolean;
  /** Something to know that belongs to no channel any more. */
  notice: string | null;
  /** Why a channel cannot be followed, although the socket is connected. */
  linkProblem: Failure | null;
  listing: "loading" | "loaded" | RequestError;
  /** In the server's order. */
  channels: readonly ChannelView[];
  /** Set if there are more channels. */
  nextCursor: string | null;
}

export type Action =
  | { type: "signed_out" }
  | { type: "unauthorized" }
  | { type: "link"; link: Link }
  | { type: "link_problem"; problem: Failure }
  | { type: "listing" }
  | { type: "listing_failed"; error: RequestError }
  | { type: "listed"; list: ChannelList; isMore: boolean }
  | { type: "channel"; channel: Channel }
  | { type: "poll_failed" }
  | { type: "noticed"; notice: string | null }
  | { type: "requested"; channelId: string; control: Control }
  | { type: "code_requested"; channelId: string; phoneNumber: string }
  | { type: "pairing"; channelId: string; pairing: Pairing }
  | { type: "removed"; channelId: string }
  | { type: "event"; event: LiveEvent; now: number }
  | { type: "subscribed"; channelId: string; seq: number; now: number }
  | { type: "sent"; channelId: string; message: OwnMessage }
  | { type: "outcome"; channelId: string; messageId: string; outcome: Outcome };

export const initialState: State = {
  session: "unknown",
  sessionEnd: null,
  link: "connecting",
  isCurrent: true,
  notice: null,
  linkProblem: null,
  listing: "loading",
  channels: [],
  nextCursor: null,
};

/** Applies an action to the state. */
export function reduce(state: State, action: Action): State {
  switch (action.type) {
    case "signed_out":
      return { ...initialState, session: "signed_out" };
    case "unauthorized":
      return unauthorized(state);
    case "link":
      return {
        ...state,
        link: action.link,
        isCurrent: isCurrentAfter(state, action.link),
        linkProblem: null,
      };
    case "poll_failed":
      return { ...state, isCurrent: false };
    case "noticed":
      return { ...state, notice: action.notice };
    case "link_problem":
      return { ...state, linkProblem: action.problem };
    case "listing":
      return { ...state, listing: "loading" };
    case "listing_failed":
      return { ...state, session: sessionAfter(state, action.error), listing: action.error };
    case "listed":
      return listed(state, action.list, action.isMore);
    case "channel":
      return withChannel(state, action.channel);
    case "requested":
      return change(state, action.channelId, (it) => ({ ...it, request: action.control }));
    case "code_requested":
      return change(state, action.channelId, (it) => ({ ...it, requestedNumber: action.phoneNumber }));
    case "pairing":
      return change(state, action.channelId, (it) => ({ ...it, pairing: action.pairing }));
    case "removed":
      return { ...state, channels: state.channels.filter((it) => it.channelId !== action.channelId) };
    case "event":
      return change(state, action.event.data.channelId, (it) => applyEvent(it, action.event, action.now));
    case "subscribed":
      return change(state, action.channelId, (it) => subscribed(it, action.seq, action.now));
    case "sent":
      return change(state, action.channelId, (it) => withOwnMessage(it, action.message));
    case "outcome":
      return change(state, action.channelId, (it) => withOutcome(it, action.messageId, action.outcome));
  }
}

/** A page that never had a connection polls. */
function isCurrentAfter({ isCurrent }: State, link: Link): boolean {
  if (link === "live") return true;
  return link === "reconnecting" || link === "offline" ? false : isCurrent;
}

/** Drops everything that the session showed. */
function unauthorized(state: State): State {
  const sessionEnd = state.session === "signed_in" ? "Your session has ended." : state.sessionEnd;
  return { ...initialState, session: "signed_out", sessionEnd };
}

/** A key without the scope to read channels is still signed in. */
function sessionAfter(state: State, error: RequestError): State["session"] {
  return error.status === 403 ? "signed_in" : state.session;
}

/** A fresh list replaces the old one, so channels deleted elsewhere disappear; the others keep what events added. */
function listed(state: State, list: ChannelList, isMore: boolean): State {
  const known = new Map(state.channels.map((it) => [it.channelId, it]));
  const fresh = list.channels.map((it) => view(known.get(it.channelId), it));
  const ids = new Set(list.channels.map((it) => it.channelId));
  const before = isMore ? state.channels.filter((it) => !ids.has(it.channelId)) : [];
  return {
    ...state,
    session: "signed_in",
    sessionEnd: null,
    listing: "loaded",
    isCurrent: true,
    channels: [...before, ...fresh],
    nextCursor: list.nextCursor,
  };
}

function withChannel(state: State, channel: Channel): State {
  const current = { ...state, isCurrent: true };
  const isKnown = state.channels.some((it) => it.channelId === channel.channelId);
  if (!isKnown) return { ...current, channels: [newChannelView(channel), ...state.channels] };
  const refresh = state.link === "live" ? refreshedWhileLive : refreshed;
  return change(current, channel.channelId, (it) => refresh(it, channel));
}

function view(known: ChannelView | undefined, channel: Channel): ChannelView {
  return known ? refreshed(known, channel) : newChannelView(channel);
}

function change(state: State, channelId: string, update: (channel: ChannelView) => ChannelView): State {
  return {
    ...state,
    channels: state.channels.map((it) => (it.channelId === channelId ? update(it) : it)),
  };
}
