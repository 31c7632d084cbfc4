import { proto } from "../../baileys/baileys.ts";
import type { Body } from "./kind.ts";

const { FutureProofMessage, DeviceSentMessage } = proto.Message;

type ContextInfo = proto.IMessageContextInfo;

/** They are around bookkeeping, too, such as a new timer of the chat. */
const plainWrappers: ReadonlySet<string> = new Set(["deviceSentMessage", "ephemeralMessage"]);

export interface Unwrapped {
  body: Body;
  /** A wrapper around it says that the recipient may look once. */
  isViewOnce: boolean;
  /** The innermost wrapper that means something; null without one. */
  wrapper: string | null;
  /** What stands beside the body and beside each wrapper; what is further inside counts. */
  beside: ContextInfo;
}

/**
 * Removes the wrappers around a message, however many, which tell older apps that they do not know what is inside. Follows their
 * type, since new ones come under new names.
 */
export function unwrap(message: Body): Unwrapped {
  let body = message;
  let isViewOnce = false;
  let wrapper: string | null = null;
  const beside: ContextInfo = { ...body.messageContextInfo };
  for (let next = wrapped(body); next !== null; next = wrapped(body)) {
    isViewOnce ||= next.name.startsWith("viewOnce");
    if (!plainWrappers.has(next.name)) wrapper = next.name;
    body = next.inner;
    Object.assign(beside, body.messageContextInfo);
  }
  return { body, isViewOnce, wrapper, beside };
}

function wrapped(body: Body): { name: string; inner: Body } | null {
  for (const [name, value] of Object.entries(body)) {
    const isWrapper = value instanceof FutureProofMessage || value instanceof DeviceSentMessage;
    if (isWrapper && value.message) return { name, inner: value.message };
  }
  return null;
}
