import { priceOf } from "./commerce.ts";
import { filled, timeOf } from "./fields.ts";
import type { Body, Convert, Converted } from "./kind.ts";

export const payment: Convert<"sendPaymentMessage"> = ({ noteMessage }) => {
  const note = textOf(noteMessage);
  return { content: { type: "payment", ...filled({ note }) }, text: note };
};

export const paymentRequest: Convert<"requestPaymentMessage"> = (value) => {
  const note = textOf(value.noteMessage);
  const amount = priceOf(value.amount1000, value.currencyCodeIso4217);
  const expiresAt = value.expiryTimestamp ? timeOf(value.expiryTimestamp) : undefined;
  return { content: { type: "payment_request", ...filled({ amount, note, expiresAt }) }, text: note };
};

export const paymentRequestEnd = (outcome: "declined" | "cancelled") => (): Converted => ({
  content: { type: "payment_request_end", outcome },
  text: "",
});

function textOf(note: Body | null | undefined): string {
  return note?.conversation || note?.extendedTextMessage?.text || "";
}
