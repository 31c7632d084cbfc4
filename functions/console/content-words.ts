import type { ReceivedContent } from "#shared/received-content.ts";

type Type = ReceivedContent["type"];
type Of<T extends Type> = Extract<ReceivedContent, { type: T }>;

const withheld: Record<Of<"unavailable">["reason"], string> = {
  too_large: "Message that is too large to be shown",
  view_once: "Message to view once, which only the phone shows",
  withheld: "Message that WhatsApp shows on the phone only",
  undecryptable: "Message that could not be decrypted",
};

/** What a message holds besides its text, in words; empty for a plain text. */
const words: { [T in Type]?: (content: Of<T>) => (string | null | undefined)[] } = {
  text: () => [],
  location: (content) => ["location", coordinates(content)],
  live_location: (content) => ["live location", coordinates(content)],
  contacts: ({ contacts }) => ["contact", ...contacts.flatMap(({ phones }) => phones)],
  poll: ({ options }) => ["poll", options.join(" / ")],
  event: ({ start, location }) => ["event", start, location],
  album: ({ images, videos }) => ["album", `${images} images`, `${videos} videos`],
  buttons: ({ buttons }) => buttons.map(({ text }) => `[${text}]`),
  template: ({ buttons }) => buttons.map(({ text }) => `[${text}]`),
  interactive: ({ buttons }) => buttons.map(({ text }) => `[${text}]`),
  list: ({ sections }) => sections.flatMap(({ rows }) => rows.map(({ title }) => `[${title}]`)),
  order: ({ orderId, items }) => ["order", orderId, `${items} items`],
  call_log: ({ outcome, isVideo }) => [isVideo ? "video call" : "call", outcome],
  unavailable: ({ reason }) => [withheld[reason]],
  unsupported: ({ kind }) => [`Message of type “${kind}”, which this page cannot show`],
};

export function contentWords(content: ReceivedContent): string {
  const own = words[content.type] as
    | ((content: ReceivedContent) => (string | null | undefined)[])
    | undefined;
  return (own?.(content) ?? fileWords(content)).filter(Boolean).join(" · ");
}

function coordinates({ latitude, longitude }: Of<"location"> | Of<"live_location">): string | null {
  return latitude === undefined || longitude === undefined ? null : `${latitude}, ${longitude}`;
}

function fileWords(content: ReceivedContent): (string | null | undefined)[] {
  const name = content.type.replaceAll("_", " ");
  if (!("mimetype" in content)) return [name];
  const size = content.sizeBytes === null ? null : `${Math.ceil(content.sizeBytes / 1024)} KB`;
  const fileName = "fileName" in content ? content.fileName : null;
  return [name, fileName, content.mimetype, size];
}
