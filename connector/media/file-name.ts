const charactersMax = 255;

/** What a server (`Content-Disposition`, RFC 6266) or else the end of the URL's path calls a file; null if neither. */
export function fileNameOf(disposition: string | null, url: URL): string | null {
  const names = [
    extendedName(disposition),
    plainName(disposition),
    decoded(url.pathname.split("/").at(-1) ?? ""),
  ];
  return names.map(clean).find((name) => name !== "") ?? null;
}

function extendedName(disposition: string | null): string {
  return decoded(/;\s*filename\*\s*=\s*utf-8'[^']*'([^;\s]+)/i.exec(disposition ?? "")?.[1] ?? "");
}

function plainName(disposition: string | null): string {
  const [, quoted, token] =
    /;\s*filename\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^;\s"]+))/i.exec(disposition ?? "") ?? [];
  return quoted?.replace(/\\(.)/g, "$1") ?? token ?? "";
}

/** The last part of a path, without what a file name cannot hold. */
function clean(name: string): string {
  const last = name.split(/[/\\]/).at(-1) ?? "";
  const shown = last.replace(/[\p{Cc}\p{Cf}<>:"|?*]/gu, "").trim();
  return /^\.*$/.test(shown) ? "" : [...shown].slice(0, charactersMax).join("");
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
