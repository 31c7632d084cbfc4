import Negotiator from "negotiator";

/** The encodings of answers, named as in `Content-Encoding`, the one that compresses better first. */
export const contentEncodings = ["br", "gzip"] as const;

export type ContentEncoding = (typeof contentEncodings)[number];

/**
 * Returns the first offered encoding that an `Accept-Encoding` header accepts (RFC 9110 §12.5.3). Null means to send the
 * bytes as they are: without a header, when the client accepts no encoding offered, or prefers none. Which of two
 * accepted encodings a client weighs higher does not matter: browsers list gzip before the smaller brotli.
 */
export function preferredEncoding(
  acceptEncoding: string | undefined,
  offered: readonly ContentEncoding[],
): ContentEncoding | null {
  const headers = { "accept-encoding": acceptEncoding };
  const accepted = new Negotiator({ headers }).encodings([...offered, "identity"]);
  if (accepted[0] === "identity") return null;
  return offered.find((encoding) => accepted.includes(encoding)) ?? null;
}
