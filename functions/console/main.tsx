/** The web console: signs in, links channels, sends messages and shows events. Built by Vite. */

import { render } from "preact";
import { io } from "socket.io-client";
import { createActions } from "./actions.ts";
import { createApi } from "./api.ts";
import { App } from "./app.tsx";
import { createClock } from "./countdown.ts";
import { createLive, type Live } from "./live.ts";
import { pollWithoutLink } from "./polling.ts";
import { channelInHash } from "./route.ts";
import { createStore, type Store } from "./store.ts";
import "./tokens.css";
import "./controls.css";
import "./parts.css";
import "./page.css";

const pollEveryMs = 3_000;

const root = document.getElementById("app");
if (root) start(root);

function start(root: HTMLElement): void {
  const clock = createClock(Date.now);
  const store = createStore();
  const api = createApi(fetch.bind(window), {
    answered: clock.sync,
    unauthorized: () => store.dispatch({ type: "unauthorized" }),
  });
  const actions = createActions(api, store, clock.now);
  listenWhileSignedIn(store, () => {
    const { dispatch } = store;
    return createLive(
      io({ autoConnect: false }),
      {
        link: (link) => dispatch({ type: "link", link }),
        received: (event) => {
          dispatch({ type: "event", event, now: clock.now() });
          // Linking sets the number, which no event carries. A failure leaves it to the next refresh.
          if (event.name === "connection_update" && event.data.status === "active")
            actions.refresh(event.data.channelId).catch(() => {});
        },
        subscribed: (channelId, seq) => {
          dispatch({ type: "subscribed", channelId, seq, now: clock.now() });
          // A failure leaves the messages as they are; the next subscription tries again.
          actions.refreshOutcomes(channelId).catch(() => {});
        },
        lastSeq: (channelId) =>
          store.state.channels.find((channel) => channel.channelId === channelId)?.seq ?? null,
        refused: (problem) => dispatch({ type: "link_problem", problem }),
        rejoin: actions.loadChannels,
      },
      { network: window },
    );
  });
  pollWithoutLink(store, () => channelInHash(location.hash), actions.poll, pollEveryMs);
  render(<App api={api} store={store} actions={actions} clock={clock} />, root);
  void actions.loadChannels();
}

/** Keeps a socket open exactly while the user is signed in. */
function listenWhileSignedIn(store: Store, listen: () => Live): void {
  let live: Live | null = null;
  store.onChange(() => {
    const { session, channels } = store.state;
    if (session !== "signed_in") {
      live?.close();
      live = null;
      return;
    }
    live ??= listen();
    live.want(channels.map((it) => it.channelId));
  });
}
