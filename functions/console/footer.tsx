import { usePage } from "./page-context.ts";

export function Footer() {
  const { info } = usePage();
  return (
    <footer>
      <p>
        Unofficial: not made, endorsed or supported by WhatsApp or Meta. Automating an account can get it
        banned.
      </p>
      <p>
        Waypost{info.version && ` ${info.version}`} · <a href="/docs">API docs</a>
      </p>
    </footer>
  );
}
