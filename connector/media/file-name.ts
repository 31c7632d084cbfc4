import { isUtf8 } from "node:buffer";
import { parse } from "content-disposition";

const charactersMax = 255;

/** Returns the name in `Content-Disposition` (RFC 6266), else the end of the URL's path; null if both are empty. */
export function fileNameOf(disposition: string | null, url: URL): string | null {
  const { filename = "", "filename*": undecodable = "" } = parse(headerText(disposition ?? "")).parameters;
  const names = [
    filename,
    undecodable.split("'").at(-1) ?? "",
    decoded(url.pathname.split("/").at(-1) ?? ""),
  ];
  return names.map(clean).find((name) => name !== "") ?? null;
}

/** undici reads headers as Latin-1, but many servers send UTF-8: decodes the bytes again if they are valid UTF-8. */
function headerText(header: string): string {
  const bytes = Buffer.from(header, "latin1");
  const isLatin1 = bytes.toString("latin1") === header;
  return isLatin1 && isUtf8(bytes) ? bytes.toString("utf8") : header;
}

/** Keeps the last part of a path, without characters that a file name cannot hold. */
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
