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
    answered: clock.heard,
    unauthorized: () => store.dispatch({ type: "unauthorized" }),
  });
  const actions = createActions(api, store, clock.now);
  listenWhileSignedIn(store, () => {
    const { dispatch } = store;
    return createLive(io({ autoConnect: false }), {
      link: (link) => dispatch({ type: "link", link }),
      heard: (event) => {
        dispatch({ type: "heard", event, now: clock.now() });
        // Linking fills in the number, which no event tells. Failing leaves it for the next time.
        if (event.name === "connection_update" && event.data.status === "active")
          actions.refresh(event.data.channelId).catch(() => {});
      },
      subscribed: (channelId, seq) => {
        dispatch({ type: "subscribed", channelId, seq, now: clock.now() });
        // Failing leaves the messages as they were; the next subscription asks again.
        actions.settle(channelId).catch(() => {});
      },
      heardUpTo: (channelId) =>
        store.state.channels.find((channel) => channel.channelId === channelId)?.seq ?? null,
      refused: (problem) => dispatch({ type: "link_problem", problem }),
      rejoin: actions.loadChannels,
    });
  });
  pollWithoutLink(store, () => channelInHash(location.hash), actions.lookAt, pollEveryMs);
  render(<App api={api} store={store} actions={actions} clock={clock} />, root);
  void actions.loadChannels();
}

/** A socket exists exactly while somebody is signed in. */
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
