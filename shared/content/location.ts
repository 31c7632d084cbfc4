import { z } from "zod";
import { receivedKind } from "./received-kind.ts";

/** In degrees; absent when the sender's app gives none. */
const coordinates = { latitude: z.number().optional(), longitude: z.number().optional() };
const accuracyMetres = z.number().int().optional();

export const location = receivedKind(
  z.object({
    type: z.literal("location"),
    ...coordinates,
    accuracyMetres,
    name: z.string().optional(),
    address: z.string().optional(),
    url: z.string().optional(),
  }),
  { type: "location", latitude: 52.5163, longitude: 13.3777, name: "Brandenburg Gate" },
);

/** A place that moves; each further report is a message of its own. */
export const liveLocation = receivedKind(
  z.object({
    type: z.literal("live_location"),
    ...coordinates,
    accuracyMetres,
    metresPerSecond: z.number().optional(),
    caption: z.string().optional(),
  }),
  { type: "live_location", latitude: 52.5163, longitude: 13.3777, accuracyMetres: 12 },
);
