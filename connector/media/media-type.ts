import { fileTypeFromFile } from "file-type";
import type { MediaKind } from "#shared/content.ts";
import { ServiceError } from "#shared/errors.ts";

const opus = "audio/ogg; codecs=opus";

/** What each kind may be, as its bytes say, and what WhatsApp is told. A document may be anything. */
const allowed: Record<Exclude<MediaKind, "document">, Readonly<Record<string, string>>> = {
  image: { "image/jpeg": "image/jpeg", "image/png": "image/png", "image/webp": "image/webp" },
  video: { "video/mp4": "video/mp4", "video/x-m4v": "video/mp4", "video/3gpp": "video/3gpp" },
  audio: {
    "audio/mpeg": "audio/mpeg",
    "audio/mp4": "audio/mp4",
    "audio/x-m4a": "audio/mp4",
    "audio/aac": "audio/aac",
    "audio/amr": "audio/amr",
    "audio/ogg": "audio/ogg",
    [opus]: opus,
  },
  voice: { [opus]: opus },
  sticker: { "image/webp": "image/webp" },
};

/** Containers of other formats: what the server calls the file says more. */
const containers = new Set(["application/zip", "application/x-cfb", "application/xml"]);

/**
 * What a file is, by its first bytes and not by what anybody says; `declared` (a `Content-Type`) decides only for
 * documents without a signature of their own. Throws `media_type_mismatch`.
 */
export async function mediaTypeOf(path: string, kind: MediaKind, declared: string | null): Promise<string> {
  const found = (await fileTypeFromFile(path))?.mime ?? null;
  if (kind === "document") return documentType(found, declared);
  const told = found === null ? undefined : allowed[kind][found];
  if (told) return told;
  const expected = Object.keys(allowed[kind]);
  const details = { expected, found: found ?? "unknown" };
  throw new ServiceError("media_type_mismatch", `The media is not of kind ${kind}`, { details });
}

function documentType(found: string | null, declared: string | null): string {
  const stated = declared && /^[\w.+-]+\/[\w.+-]+$/.test(declared) ? declared : null;
  const isTelling = found !== null && !containers.has(found);
  return (isTelling ? found : (stated ?? found)) ?? "application/octet-stream";
}
