import { useState } from "preact/hooks";
import type { ChannelView } from "./channel-view.ts";
import { contactName } from "./contact-name.ts";
import { CreateDialog } from "./create-dialog.tsx";
import { ErrorNotice } from "./error-notice.tsx";
import { useTask } from "./hooks.ts";
import { usePage } from "./page-context.ts";
import { hashOfChannel } from "./route.ts";
import type { State } from "./state.ts";
import { statusWords } from "./status-words.ts";

interface Props {
  state: State;
  selected: string | null;
}

export function ChannelList({ state, selected }: Props) {
  const { actions } = usePage();
  const [isCreating, setIsCreating] = useState(false);
  const more = useTask();
  const { listing, channels, nextCursor, isCurrent } = state;
  return (
    <section class="channels" aria-label="Channels">
      <div class="row between">
        <h2>Channels</h2>
        <button
          type="button"
          class={channels.length === 0 ? "primary" : ""}
          onClick={() => setIsCreating(true)}
        >
          New channel
        </button>
      </div>
      {typeof listing !== "string" && (
        <>
          <ErrorNotice error={listing} />
          <button type="button" onClick={() => void actions.loadChannels()}>
            Try again
          </button>
        </>
      )}
      {channels.length === 0 && listing === "loading" && <p class="hint">Loading…</p>}
      {channels.length === 0 && listing === "loaded" && <Welcome />}
      <ul class="plain">
        {channels.map((it) => (
          <li key={it.channelId}>
            <Row channel={it} isSelected={it.channelId === selected} isCurrent={isCurrent} />
          </li>
        ))}
      </ul>
      {nextCursor !== null && (
        <button type="button" aria-disabled={more.isBusy} onClick={() => void more.run(actions.loadMore)}>
          {more.isBusy ? "Loading…" : "More channels"}
        </button>
      )}
      <ErrorNotice error={more.error} />
      {isCreating && <CreateDialog onClose={() => setIsCreating(false)} />}
    </section>
  );
}

interface RowProps {
  channel: ChannelView;
  isSelected: boolean;
  isCurrent: boolean;
}

function Row({ channel, isSelected, isCurrent }: RowProps) {
  const { label, tone } = statusWords(channel);
  return (
    <a
      class="channel-row"
      href={hashOfChannel(channel.channelId)}
      aria-current={isSelected ? "page" : undefined}
    >
      <span class="name">{channel.name}</span>
      <span class="number">{channel.phoneNumber ? contactName(channel.phoneNumber) : "No number yet"}</span>
      <span class={`badge ${isCurrent ? tone : "idle"}`}>{isCurrent ? label : `Last known: ${label}`}</span>
    </a>
  );
}

function Welcome() {
  return (
    <div class="welcome">
      <p>No channels yet.</p>
      <p class="hint">
        A channel is one WhatsApp account. Create one, then link it to a phone by QR code or pairing code.
      </p>
    </div>
  );
}
