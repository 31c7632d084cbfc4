import { z } from "zod";
import { receivedKind } from "./received-kind.ts";

/** `phones` as the card writes them. */
const contact = z.object({
  name: z.string(),
  phones: z.array(z.string()),
  organisation: z.string().optional(),
  email: z.string().optional(),
});

export const contacts = receivedKind(z.object({ type: z.literal("contacts"), contacts: z.array(contact) }), {
  type: "contacts",
  contacts: [{ name: "Ada Lovelace", phones: ["+1 555 010 0001"], organisation: "Analytical Engines" }],
});

/** A contact asks for our number, which a LID does not show. */
export const requestPhoneNumber = receivedKind(z.object({ type: z.literal("request_phone_number") }), {
  type: "request_phone_number",
});

/** A contact shows their number to us. */
export const sharePhoneNumber = receivedKind(z.object({ type: z.literal("share_phone_number") }), {
  type: "share_phone_number",
});
