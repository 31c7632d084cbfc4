import { fileTypeFromFile } from "file-type";
import { type OggStream, oggStreams } from "./ogg-streams.ts";
import { matroskaTracks, mp4Tracks, type Tracks } from "./tracks.ts";

/** An Ogg file with Opus alone, which is what a voice message is. */
export const opus = "audio/ogg; codecs=opus";

/** Reads what a container holds; `named` is the type that its first bytes claim. */
type Look = (path: string, named: string) => Promise<string>;

/**
 * The type of a file by its bytes; null if they tell nothing. A container is judged by its tracks: its first bytes call a
 * recording by Android a video, as they do for all MP4 files.
 */
export async function detectedType(path: string): Promise<string | null> {
  const named = (await fileTypeFromFile(path))?.mime ?? null;
  const look = named === null ? undefined : containers.get(named);
  return named && look ? look(path, named) : named;
}

/** Maps a video's type to that of the same container with sound alone. */
const soundAlone: Readonly<Record<string, string>> = {
  "video/mp4": "audio/mp4",
  "video/x-m4v": "audio/mp4",
  "video/3gpp": "audio/3gpp",
  "video/3gpp2": "audio/3gpp2",
  "video/webm": "audio/webm",
  "video/matroska": "audio/matroska",
};

const mp4: Look = async (path, named) => {
  const tracks = await mp4Tracks(path);
  // A file that calls itself sound may have pictures, of chapters for example.
  if (named.startsWith("audio/")) return tracks.hasVideo && !tracks.hasAudio ? "video/mp4" : named;
  return judged(named, tracks);
};
const matroska: Look = async (path, named) => judged(named, await matroskaTracks(path));
const ogg: Look = async (path, named) => {
  const streams = await oggStreams(path);
  const has = (stream: OggStream) => streams.has(stream);
  if (has("video")) return "video/ogg";
  if (has("audio")) return "audio/ogg";
  return has("opus") ? opus : named;
};

const containers = new Map<string, Look>([
  ...["video/mp4", "video/x-m4v", "video/3gpp", "video/3gpp2"].map((type) => [type, mp4] as const),
  ...["audio/mp4", "audio/x-m4a"].map((type) => [type, mp4] as const),
  ...["video/webm", "video/matroska"].map((type) => [type, matroska] as const),
  ...[opus, "audio/ogg", "video/ogg", "application/ogg"].map((type) => [type, ogg] as const),
]);

function judged(named: string, { hasVideo, hasAudio }: Tracks): string {
  return hasAudio && !hasVideo ? (soundAlone[named] ?? named) : named;
}
