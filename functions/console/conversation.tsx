import { useEffect, useRef } from "preact/hooks";
import type { Entry, EventMessage, OwnMessage } from "./channel-view.ts";
import { contactName } from "./contact-name.ts";
import { contentWords } from "./content-words.ts";
import { outcomeWords } from "./outcome.ts";

const nearEndPixels = 80;

interface Props {
  entries: readonly Entry[];
  /** Called with the address to reply to. */
  onReply: (to: string) => void;
}

/** The messages since the page was opened. */
export function Conversation({ entries, onReply }: Props) {
  if (entries.length > 0) return <Log entries={entries} onReply={onReply} />;
  return <p class="hint">Messages sent and received while this page is open appear here.</p>;
}

/** Stays scrolled to the end as entries are added or rewrap, unless the reader has scrolled up. */
function Log({ entries, onReply }: Props) {
  const log = useRef<HTMLDivElement>(null);
  const isAtEnd = useRef(true);
  const top = useRef(0);
  useEffect(() => {
    const { current } = log;
    if (!current) return;
    const observer = new ResizeObserver(() => {
      if (isAtEnd.current) current.scrollTo(0, current.scrollHeight);
    });
    for (const element of [current, ...current.children]) observer.observe(element);
    return () => observer.disconnect();
  }, []);
  return (
    <div
      ref={log}
      class="log"
      role="log"
      aria-label="Messages, oldest first"
      // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region must be reachable by keyboard
      tabIndex={0}
      onScroll={({ currentTarget: it }) => {
        const isNear = it.scrollHeight - it.scrollTop - it.clientHeight < nearEndPixels;
        // Entries may have been added since the last scroll to the end: only scrolling up leaves it.
        isAtEnd.current = isNear || (isAtEnd.current && it.scrollTop >= top.current);
        top.current = it.scrollTop;
      }}
    >
      <ol class="plain">
        {entries.map((entry) => (
          <Line key={entry.id} entry={entry} onReply={onReply} />
        ))}
      </ol>
    </div>
  );
}

function Line({ entry, onReply }: { entry: Entry } & Pick<Props, "onReply">) {
  switch (entry.kind) {
    case "own":
      return <Own message={entry} />;
    case "gap":
      return (
        <li class="gap">
          {time(entry.at)} Reconnected. Anything that happened in between, including messages, is not shown
          here.
        </li>
      );
    default:
      return <FromEvent message={entry} onReply={onReply} />;
  }
}

function Own({ message }: { message: OwnMessage }) {
  const { mark, label } = outcomeWords[message.outcome.status];
  const { failure } = message.outcome;
  return (
    <li class="message own">
      <p class="meta">
        {message.by !== undefined && (message.by === null ? "A program " : `“${message.by}” `)}
        {message.by === undefined ? "To" : "to"} {contactName(message.to)} · <Time at={message.at} />
      </p>
      {message.media && (
        <p class="attachment">
          {message.media.type}: {message.media.url}
        </p>
      )}
      {message.text && <p class="text">{message.text}</p>}
      <p class={`outcome ${message.outcome.status}`}>
        <span aria-hidden="true">{mark}</span> {label}
        {failure && (
          <>
            : {failure.message} <code>{failure.code}</code>
          </>
        )}
      </p>
    </li>
  );
}

function FromEvent({ message, onReply }: { message: EventMessage } & Pick<Props, "onReply">) {
  const isPhone = message.kind === "phone";
  const isShared = !isPerson(message.chat);
  const name = contactName(isShared && !isPhone ? message.sender : message.chat, message.phoneNumber);
  return (
    <li class={isPhone ? "message own" : "message"}>
      <p class="meta row between">
        <span>
          {isPhone ? "Sent from the phone to" : "From"} {name}
          {isShared && !isPhone && ` in ${message.chat}`} · <Time at={message.at} />
          {message.isEdited && " · edited"}
          {message.isDeleted && " · deleted"}
        </span>
        {!isPhone && !isShared && (
          <button type="button" class="quiet inline" onClick={() => onReply(name)}>
            Reply
          </button>
        )}
      </p>
      {message.content.type !== "text" && <p class="attachment">{contentWords(message.content)}</p>}
      {message.text && <p class="text">{message.isDeleted ? <s>{message.text}</s> : message.text}</p>}
      {message.reactions.size > 0 && <p class="outcome">{[...message.reactions.values()].join(" ")}</p>}
    </li>
  );
}

/** Whether a chat is with one person, to whom one can reply from here. */
function isPerson(chat: string): boolean {
  return chat.endsWith("@s.whatsapp.net") || chat.endsWith("@lid");
}

function Time({ at }: { at: number }) {
  return <time dateTime={new Date(at).toISOString()}>{time(at)}</time>;
}

function time(at: number): string {
  return new Date(at).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
}
