/** Texts in one line, without those that are absent. */
export function listed(texts: readonly (string | null | undefined)[]): string {
  return texts.filter(Boolean).join(", ");
}

/** A number as the protocol has it: 64 bits come as objects. */
export type ProtoNumber = number | { toNumber(): number } | null | undefined;

type Filled<T> = { [Name in keyof T]?: NonNullable<T[Name]> };

/** The fields that say something: without `null`, `undefined` and empty text. */
export function filled<T extends object>(fields: T): Filled<T> {
  const entries = Object.entries(fields).filter(
    ([, value]) => value !== null && value !== undefined && value !== "",
  );
  return Object.fromEntries(entries) as Filled<T>;
}

/** WhatsApp's own ids have at most 32 characters, and ours are part of indexed keys. */
const idLengthMax = 256;
/** WhatsApp's own apps take 25 characters for a name. */
const nameLengthMax = 200;
/** The longest emoji, a family with skin tones, have about 30 UTF-16 units. */
const emojiLengthMax = 100;

/** Text beside the content is cut: an event that exceeds the log loses its content only. */
export const cut = {
  id: (id: string) => cutTo(id, idLengthMax),
  name: (name: string) => cutTo(name, nameLengthMax),
  emoji: (emoji: string) => cutTo(emoji, emojiLengthMax),
};

function cutTo(text: string, lengthMax: number): string {
  return text.length > lengthMax ? text.slice(0, lengthMax).toWellFormed() : text;
}

/** A whole number, which may be absent; so is one that JSON cannot write. */
export function whole(value: ProtoNumber): number | undefined {
  if (value === null || value === undefined) return undefined;
  const number = Math.round(Number(value));
  return Number.isSafeInteger(number) ? number : undefined;
}

/** A number that JSON can write. */
export function finite(value: number | null | undefined): number | undefined {
  return Number.isFinite(value) ? Number(value) : undefined;
}

/** The end of the last year that RFC 3339 can write. */
const lastMs = Date.parse("9999-12-31T23:59:59Z");

/** What stands for a time that is absent where one is required. */
export const epoch = new Date(0).toISOString();

/** RFC 3339; undefined when the time is absent or cannot be written. */
export function timeOf(seconds: ProtoNumber): string | undefined {
  const ms = Number(seconds ?? Number.NaN) * 1_000;
  return ms >= 0 && ms <= lastMs ? new Date(ms).toISOString() : undefined;
}
