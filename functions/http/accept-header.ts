/**
 * The first of `offered` that an `Accept` header likes best (RFC 9110 §12.5.1); null when it accepts none. No header
 * accepts everything.
 */
export function preferredType<T extends string>(accept: string | undefined, offered: readonly T[]): T | null {
  const ranges = parseAccept(accept ?? "*/*");
  let best: T | null = null;
  let bestQuality = 0;
  for (const type of offered) {
    const quality = qualityOf(type, ranges);
    if (quality > bestQuality) [best, bestQuality] = [type, quality];
  }
  return best;
}

/** Whether a type is asked for by its name, not by a wildcard. */
export function namesType(accept: string | undefined, type: string): boolean {
  return parseAccept(accept ?? "").some((range) => range.type === type && range.quality > 0);
}

interface MediaRange {
  type: string;
  quality: number;
}

function parseAccept(header: string): MediaRange[] {
  return header.split(",").map((range) => {
    const [type = "", ...parameters] = range.split(";").map((part) => part.trim().toLowerCase());
    const quality = parameters
      .map((parameter) => /^q=([01](?:\.\d{0,3})?)$/.exec(parameter)?.[1])
      .find(Boolean);
    return { type, quality: quality === undefined ? 1 : Number(quality) };
  });
}

/** The most specific range that matches decides. */
function qualityOf(type: string, ranges: readonly MediaRange[]): number {
  for (const pattern of [type, `${type.split("/", 1)[0]}/*`, "*/*"]) {
    const range = ranges.find((candidate) => candidate.type === pattern);
    if (range) return range.quality;
  }
  return 0;
}
