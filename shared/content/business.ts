import { z } from "zod";
import { receivedKind } from "./received-kind.ts";

/** A button. `code` is what it copies, `url` what it opens, `phoneNumber` whom it calls. */
const button = z.object({
  id: z.string().optional(),
  text: z.string(),
  url: z.string().optional(),
  phoneNumber: z.string().optional(),
  code: z.string().optional(),
});
const around = { header: z.string().optional(), text: z.string(), footer: z.string().optional() };
const choices = { ...around, buttons: z.array(button) };
const confirm = { text: "Shall we book the table?", buttons: [{ id: "yes", text: "Yes" }] };

export const buttons = receivedKind(z.object({ type: z.literal("buttons"), ...choices }), {
  type: "buttons",
  ...confirm,
});

/** A message that a business made from a template. */
export const template = receivedKind(z.object({ type: z.literal("template"), ...choices }), {
  type: "template",
  text: "123456 is your code.",
  buttons: [{ text: "Copy code", code: "123456" }],
});

/** A message of a business in the newer form. `cards` are shown side by side. */
export const interactive = receivedKind(
  z.object({ type: z.literal("interactive"), ...choices, cards: z.array(z.object(choices)).optional() }),
  { type: "interactive", ...confirm },
);

const row = z.object({ id: z.string(), title: z.string(), description: z.string().optional() });

export const list = receivedKind(
  z.object({
    type: z.literal("list"),
    ...around,
    button: z.string(),
    sections: z.array(z.object({ title: z.string().optional(), rows: z.array(row) })),
  }),
  {
    type: "list",
    text: "Choose a day",
    button: "Days",
    sections: [{ rows: [{ id: "mon", title: "Monday" }] }],
  },
);

/** The button that somebody tapped; `replyTo` names the message that it is on. */
export const buttonReply = receivedKind(
  z.object({ type: z.literal("button_reply"), id: z.string(), text: z.string() }),
  { type: "button_reply", id: "yes", text: "Yes" },
);

/** The row that somebody chose; `replyTo` names the message that it is in. */
export const listReply = receivedKind(
  z.object({
    type: z.literal("list_reply"),
    id: z.string(),
    text: z.string(),
    description: z.string().optional(),
  }),
  { type: "list_reply", id: "mon", text: "Monday" },
);

/** `amount` in the currency's main unit. */
export const price = z.object({ amount: z.number(), currency: z.string() }).optional();

export const order = receivedKind(
  z.object({
    type: z.literal("order"),
    orderId: z.string(),
    items: z.number().int(),
    title: z.string().optional(),
    text: z.string().optional(),
    total: price,
    seller: z.string().optional(),
  }),
  { type: "order", orderId: "8816", items: 2, total: { amount: 19.9, currency: "EUR" } },
);

export const product = receivedKind(
  z.object({
    type: z.literal("product"),
    productId: z.string(),
    title: z.string().optional(),
    description: z.string().optional(),
    text: z.string().optional(),
    retailerId: z.string().optional(),
    url: z.string().optional(),
    price,
    seller: z.string().optional(),
  }),
  { type: "product", productId: "4211", title: "Coffee, 1 kg", price: { amount: 12.5, currency: "EUR" } },
);
