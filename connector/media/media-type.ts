import type { MediaKind } from "#shared/content.ts";
import { ServiceError } from "#shared/errors.ts";
import { detectedType, opus } from "./detected-type.ts";

/** Maps the types that the bytes of each kind may have to the type sent to WhatsApp. A document may have any type. */
const allowed: Record<Exclude<MediaKind, "document">, Readonly<Record<string, string>>> = {
  image: { "image/jpeg": "image/jpeg", "image/png": "image/png", "image/webp": "image/webp" },
  video: { "video/mp4": "video/mp4", "video/x-m4v": "video/mp4", "video/3gpp": "video/3gpp" },
  audio: {
    "audio/mpeg": "audio/mpeg",
    "audio/mp4": "audio/mp4",
    "audio/x-m4a": "audio/mp4",
    "audio/aac": "audio/aac",
    "audio/3gpp": "audio/3gpp",
    "audio/amr": "audio/amr",
    "audio/ogg": "audio/ogg",
    [opus]: opus,
  },
  voice: { [opus]: opus },
  sticker: { "image/webp": "image/webp" },
};

/** Containers of other formats: the server's `Content-Type` says more than the signature. */
const containers = new Set(["application/zip", "application/x-cfb", "application/xml"]);

/**
 * Detects a file's type by its bytes. `declared` (a `Content-Type`) decides only for documents without a
 * signature of their own. Throws `media_type_mismatch`.
 */
export async function mediaTypeOf(path: string, kind: MediaKind, declared: string | null): Promise<string> {
  const found = await detectedType(path);
  if (kind === "document") return documentType(found, declared);
  const type = found === null ? undefined : allowed[kind][found];
  if (type) return type;
  const expected = Object.keys(allowed[kind]);
  const details = { expected, found: found ?? "unknown" };
  throw new ServiceError("media_type_mismatch", `The media is not of type ${kind}`, { details });
}

function documentType(found: string | null, declared: string | null): string {
  const stated = declared && /^[\w.+-]+\/[\w.+-]+$/.test(declared) ? declared : null;
  const isSpecific = found !== null && !containers.has(found);
  return (isSpecific ? found : (stated ?? found)) ?? "application/octet-stream";
}
