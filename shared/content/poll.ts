import { z } from "zod";
import { receivedKind } from "./received-kind.ts";

export const poll = receivedKind(
  z.object({
    type: z.literal("poll"),
    name: z.string(),
    options: z.array(z.string()),
    /** How many options a person may choose. */
    selectable: z.number().int(),
  }),
  { type: "poll", name: "When?", options: ["Monday", "Tuesday"], selectable: 1 },
);

/** The votes of a poll, as somebody shows them. */
export const pollResult = receivedKind(
  z.object({
    type: z.literal("poll_result"),
    name: z.string(),
    votes: z.array(z.object({ option: z.string(), count: z.number().int() })),
  }),
  { type: "poll_result", name: "When?", votes: [{ option: "Monday", count: 2 }] },
);

/** A meeting that people can accept. Times RFC 3339. */
export const event = receivedKind(
  z.object({
    type: z.literal("event"),
    name: z.string(),
    start: z.string(),
    end: z.string().optional(),
    description: z.string().optional(),
    location: z.string().optional(),
    joinUrl: z.string().optional(),
    isCancelled: z.literal(true).optional(),
  }),
  { type: "event", name: "Tasting", start: "2026-12-24T18:00:00.000Z", location: "The new shop" },
);
