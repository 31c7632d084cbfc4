import { ErrorNotice } from "./error-notice.tsx";
import { useTask } from "./hooks.ts";
import { usePage } from "./page-context.ts";
import type { Link, State } from "./state.ts";

const linkWords: Record<Link, { tone: string; text: string }> = {
  connecting: { tone: "busy", text: "Connecting…" },
  missing: { tone: "bad", text: "No live connection: /socket.io/ must reach a connector" },
  live: { tone: "good", text: "Live" },
  offline: { tone: "bad", text: "This browser is offline" },
  reconnecting: { tone: "bad", text: "Reconnecting…" },
};

export function Header({ session, link }: Pick<State, "session" | "link">) {
  const { actions, info } = usePage();
  const task = useTask();
  return (
    <header>
      <a class="brand" href="#/">
        <Mark />
        Waypost
      </a>
      {session === "signed_in" && (
        <p class={`link ${linkWords[link].tone}`} role="status">
          {linkWords[link].text}
        </p>
      )}
      <nav aria-label="Page">
        {info.sandboxUrl && (
          <a href={info.sandboxUrl} target="_blank" rel="noreferrer">
            Simulated phone
          </a>
        )}
        {session === "signed_in" && (
          <button type="button" class="quiet" onClick={() => void task.run(actions.signOut)}>
            Sign out
          </button>
        )}
      </nav>
      <ErrorNotice error={task.error} />
    </header>
  );
}

function Mark() {
  return (
    <svg viewBox="0 0 32 32" width="24" height="24" aria-hidden="true">
      <path class="mark-sign" d="M7 5h13l6 6-6 6H7z" />
      <path class="mark-post" d="M12 17h4v12h-4z" />
    </svg>
  );
}
