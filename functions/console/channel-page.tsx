import { useEffect, useRef, useState } from "preact/hooks";
import { ChannelActions } from "./channel-actions.tsx";
import type { ChannelView } from "./channel-view.ts";
import { Composer } from "./composer.tsx";
import { contactName } from "./contact-name.ts";
import { Conversation } from "./conversation.tsx";
import { CopyButton } from "./copy-button.tsx";
import { durationText, secondsUntil } from "./countdown.ts";
import { useNow } from "./hooks.ts";
import { PairingPanel } from "./pairing-panel.tsx";
import { statusWords } from "./status-words.ts";

interface Props {
  channel: ChannelView;
  /** Whether the page hears of changes. */
  isCurrent: boolean;
}

export function ChannelPage({ channel, isCurrent }: Props) {
  const heading = useRef<HTMLHeadingElement>(null);
  const [to, setTo] = useState("");
  useEffect(() => heading.current?.focus(), []);
  useEffect(() => {
    document.title = `${channel.name} · Waypost`;
    return () => {
      document.title = "Waypost";
    };
  }, [channel.name]);
  return (
    <>
      <a class="back" href="#/">
        ← Channels
      </a>
      <section class="card" aria-label="Channel">
        <h1 ref={heading} tabIndex={-1}>
          {channel.name}
        </h1>
        <p class="facts">
          <span>{channel.phoneNumber ? contactName(channel.phoneNumber) : "No number yet"}</span>
          <span class="id">
            <code>{channel.channelId}</code> <CopyButton text={channel.channelId} what="channel id" />
          </span>
        </p>
        <Status channel={channel} isCurrent={isCurrent} />
        <PairingPanel channel={channel} />
        <ChannelActions channel={channel} />
      </section>
      <section class="card" aria-label="Messages">
        <h2>Messages</h2>
        <Conversation entries={channel.entries} onReply={setTo} />
        {channel.status === "logged_out" ? (
          <p class="hint">Link a phone to send messages.</p>
        ) : (
          <Composer channel={channel} to={to} onTo={setTo} />
        )}
      </section>
    </>
  );
}

function Status({ channel, isCurrent }: Props) {
  const { label, tone, happened, todo } = statusWords(channel);
  if (!isCurrent)
    return (
      <div class="status idle">
        <p class="fine">
          <span class="badge idle">Last known: {label}</span>
        </p>
        <p role="status">
          <strong>This page has no connection to Waypost.</strong> The channel may have changed since.
        </p>
      </div>
    );
  return (
    <div class={`status ${tone}`}>
      <p class="fine">
        <span class={`badge ${tone}`}>{label}</span> {channel.reason && <code>{channel.reason}</code>}
        {channel.retryAt && <Retry at={channel.retryAt} isWaiting={channel.status === "connecting"} />}
      </p>
      <p role="status">
        <strong>{happened}</strong> {todo}
        {requestWords[channel.request]}
      </p>
    </div>
  );
}

const requestWords: Record<ChannelView["request"], string> = {
  done: "",
  running: " Your request is not finished yet; this page will show when it is.",
  stored: " No connector is running: your request is stored and will run as soon as one is.",
};

/** Outside the live region, so that screen readers do not announce every second of the countdown. */
function Retry({ at, isWaiting }: { at: string; isWaiting: boolean }) {
  const seconds = secondsUntil(at, useNow());
  if (seconds === 0) return isWaiting ? <span> · trying now</span> : null;
  return (
    <span>
      {isWaiting ? " · next attempt in " : " · not before "}
      {isWaiting ? durationText(seconds) : new Date(at).toLocaleString()}
    </span>
  );
}
