import { dispositionName } from "./disposition-name.ts";
import { endingsOf } from "./file-endings.ts";

/** The longest name that file systems accept, in UTF-8. */
const bytesMax = 255;
/** Windows means devices by these names, whatever their ending. */
const deviceName = /^(con|prn|aux|nul|com\d|lpt\d)(?=\.|$)/i;

/**
 * Returns the name under which a browser would save a download: the one in `Content-Disposition`, else the end of the URL's
 * path, with the ending of its type. A URL with a query names a program (`download.php?id=1`), whose ending says nothing.
 */
export function fileNameOf(disposition: string | null, url: URL, mimetype: string): string {
  const endings = endingsOf(mimetype);
  const given = clean(dispositionName(disposition));
  if (given) return named(given, endings, () => true);
  const ofPath = clean(decoded(url.pathname.split("/").at(-1) ?? ""));
  return named(ofPath || "document", endings, (ending) => url.search === "" || endings.includes(ending));
}

/** Keeps an ending that counts as one, and otherwise adds the usual ending of the type. */
function named(name: string, endings: readonly string[], counts: (ending: string) => boolean): string {
  const [, stem = name, ending = ""] = /^(.+)\.((?=\d*[a-z])[a-z\d]{1,8})$/i.exec(name) ?? [];
  const [usual] = endings;
  if (ending && (!usual || counts(ending.toLowerCase()))) return joined(stem, ending);
  return joined(stem, usual ?? "");
}

/** Shortens the stem and keeps the ending, which tells the recipient's device how to open the file. */
function joined(stem: string, ending: string): string {
  const tail = ending && `.${ending}`;
  let bytes = Buffer.byteLength(tail);
  let kept = "";
  for (const { segment } of new Intl.Segmenter().segment(stem)) {
    bytes += Buffer.byteLength(segment);
    if (bytes > bytesMax) break;
    kept += segment;
  }
  return `${kept.trimEnd() || "document"}${tail}`;
}

/**
 * Keeps the last part of a path, without characters that a file name cannot hold or that make it look like another, and
 * without the dots that hide a file or that Windows drops.
 */
function clean(name: string): string {
  const last = name.split(/[/\\]/).at(-1) ?? "";
  return last
    .replace(/\s+/gu, " ")
    .replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}<>:"|?*]/gu, "")
    .replace(/^[. ]+|[. ]+$/gu, "")
    .replace(deviceName, "_$1");
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
