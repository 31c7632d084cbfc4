import { proto } from "../../baileys/baileys.ts";
import type { Body } from "./kind.ts";

const { FutureProofMessage, DeviceSentMessage } = proto.Message;

type ContextInfo = proto.IMessageContextInfo;

export interface Unwrapped {
  body: Body;
  /** A wrapper around it says that the recipient may look once. */
  isViewOnce: boolean;
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
  const beside: ContextInfo = { ...body.messageContextInfo };
  for (let next = wrapped(body); next !== null; next = wrapped(body)) {
    isViewOnce ||= next.name.startsWith("viewOnce");
    body = next.inner;
    Object.assign(beside, body.messageContextInfo);
  }
  return { body, isViewOnce, beside };
}

function wrapped(body: Body): { name: string; inner: Body } | null {
  for (const [name, value] of Object.entries(body)) {
    const isWrapper = value instanceof FutureProofMessage || value instanceof DeviceSentMessage;
    if (isWrapper && value.message) return { name, inner: value.message };
  }
  return null;
}
