import { isUtf8 } from "node:buffer";
import { parse } from "content-disposition";

/**
 * Reads the file name in `Content-Disposition` (RFC 6266) as browsers do, with the mistakes that servers make: UTF-8 bytes,
 * percent-encoding and mail's encoded words (RFC 2047) in the plain parameter. Empty if there is none.
 */
export function dispositionName(header: string | null): string {
  const { filename = "", "filename*": undecodable = "" } = parse(headerText(header ?? "")).parameters;
  const isDecoded = /filename\*\s*=/i.test(header ?? "");
  const plain = isDecoded ? filename : percentDecoded(wordsDecoded(filename));
  return plain || (undecodable.split("'").at(-1) ?? "");
}

/** undici reads headers as Latin-1, but many servers send UTF-8: decodes the bytes again if they are valid UTF-8. */
function headerText(header: string): string {
  const bytes = Buffer.from(header, "latin1");
  const isLatin1 = bytes.toString("latin1") === header;
  return isLatin1 && isUtf8(bytes) ? bytes.toString("utf8") : header;
}

/** Decodes `%C3%A9` if all of it is UTF-8; `100%` is left as it is. */
function percentDecoded(name: string): string {
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}

/** Decodes `=?UTF-8?B?UmVwb3J0?=`; spaces between two words are part of neither. */
function wordsDecoded(name: string): string {
  const joined = name.replace(/\?=\s+=\?/g, "?==?");
  return joined.replace(/=\?([\w-]{1,30})\?([BQ])\?([^?]*)\?=/gi, (word, charset, encoding, text) => {
    const bytes = encoding.toUpperCase() === "B" ? Buffer.from(text, "base64") : quotedBytes(text);
    try {
      return new TextDecoder(charset, { fatal: true }).decode(bytes);
    } catch {
      return word;
    }
  });
}

function quotedBytes(text: string): Buffer {
  const escaped = text
    .replaceAll("_", " ")
    .replace(/=([\da-f]{2})/gi, (_, hex) => String.fromCharCode(parseInt(hex, 16)));
  return Buffer.from(escaped, "latin1");
}
