import { z } from "zod";
import { price } from "./business.ts";
import { receivedKind } from "./received-kind.ts";

const note = z.string().optional();

/** Money that somebody sent; only the phone knows how much. */
export const payment = receivedKind(z.object({ type: z.literal("payment"), note }), {
  type: "payment",
  note: "For the tickets",
});

export const paymentRequest = receivedKind(
  z.object({
    type: z.literal("payment_request"),
    amount: price,
    note,
    /** RFC 3339. */
    expiresAt: z.string().optional(),
  }),
  { type: "payment_request", amount: { amount: 19.9, currency: "EUR" }, note: "For the tickets" },
);

/** The end of a payment request, which `replyTo` names. */
export const paymentRequestEnd = receivedKind(
  z.object({ type: z.literal("payment_request_end"), outcome: z.enum(["declined", "cancelled"]) }),
  { type: "payment_request_end", outcome: "declined" },
);
