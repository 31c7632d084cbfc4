import { useEffect, useMemo, useState } from "preact/hooks";
import type { Actions } from "./actions.ts";
import type { ConsoleInfo } from "./answers.ts";
import type { Api } from "./api.ts";
import { ChannelList } from "./channel-list.tsx";
import { ChannelPage } from "./channel-page.tsx";
import type { Clock } from "./countdown.ts";
import { ErrorNotice } from "./error-notice.tsx";
import { Footer } from "./footer.tsx";
import { Header } from "./header.tsx";
import { useRoute, useStore } from "./hooks.ts";
import { PageContext, usePage } from "./page-context.ts";
import { SignIn } from "./sign-in.tsx";
import type { State } from "./state.ts";
import type { Store } from "./store.ts";

interface Props {
  api: Api;
  store: Store;
  actions: Actions;
  clock: Clock;
}

const unknownInfo: ConsoleInfo = { version: null, sandboxUrl: null };

export function App({ api, store, actions, clock }: Props) {
  const state = useStore(store);
  const [info, setInfo] = useState(unknownInfo);
  useEffect(() => {
    // It only adds links and the version; the page works without it.
    void api.info().then(setInfo, () => {});
  }, [api]);
  const page = useMemo(() => ({ actions, clock, info }), [actions, clock, info]);
  return (
    <PageContext.Provider value={page}>
      <Header session={state.session} link={state.link} />
      {state.notice && <Notice text={state.notice} />}
      <Content state={state} />
      <Footer />
    </PageContext.Provider>
  );
}

function Content({ state }: { state: State }) {
  const selected = useRoute();
  if (state.session === "signed_out") return <SignIn sessionEnd={state.sessionEnd} />;
  if (state.session === "unknown") return <Opening listing={state.listing} />;
  const channel = state.channels.find((it) => it.channelId === selected);
  return (
    <div class={deskClass(state, selected)}>
      <ChannelList state={state} selected={selected} />
      <main>
        {state.linkProblem && (
          <p class="notice bad" role="alert">
            Live updates are unavailable: {state.linkProblem.message} <code>{state.linkProblem.code}</code>
          </p>
        )}
        {channel ? (
          <ChannelPage key={channel.channelId} channel={channel} isCurrent={state.isCurrent} />
        ) : (
          <Placeholder state={state} selected={selected} />
        )}
      </main>
    </div>
  );
}

function Notice({ text }: { text: string }) {
  const { actions } = usePage();
  return (
    <div class="notice top" role="status">
      <p>{text}</p>
      <button type="button" class="quiet" onClick={actions.dismissNotice}>
        Dismiss
      </button>
    </div>
  );
}

/** The layout depends on what is next to the list: nothing, a placeholder, or a channel. */
function deskClass({ channels }: State, selected: string | null): string {
  if (selected !== null) return "desk has-selection";
  return channels.length === 0 ? "desk is-empty" : "desk";
}

function Opening({ listing }: Pick<State, "listing">) {
  const { actions } = usePage();
  return (
    <main class="sign-in">
      {typeof listing === "string" ? (
        <p role="status">Loading…</p>
      ) : (
        <>
          <ErrorNotice error={listing} />
          <button type="button" onClick={() => void actions.loadChannels()}>
            Try again
          </button>
        </>
      )}
    </main>
  );
}

/** Shown instead of a channel. */
function Placeholder({ state, selected }: { state: State; selected: string | null }) {
  if (selected !== null && state.listing === "loaded")
    return (
      <div class="empty">
        <h1>Channel not found</h1>
        <p>
          It was deleted, or your key does not cover it. <a href="#/">All channels</a>
        </p>
      </div>
    );
  if (selected !== null || state.channels.length > 0)
    return <p class="empty hint">{selected === null ? "Select a channel." : "Loading…"}</p>;
  return null;
}
