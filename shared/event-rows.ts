import { BSON, type FindCursor } from "mongodb";
import type { EventDocument } from "./collections.ts";

/** The most bytes of events in a page: contacts write them, up to 1 MB each. A single event may be larger. */
const pageBytesMax = 8 * 1024 * 1024;

/**
 * Reads events until they fill a page; those that share the last one's `ord` stay together. `isCut` tells whether there may be
 * more.
 */
export async function fillPage(
  events: FindCursor<EventDocument>,
): Promise<{ rows: EventDocument[]; isCut: boolean }> {
  const rows: EventDocument[] = [];
  let bytes = 0;
  for await (const row of events) {
    const isTied = rows.at(-1)?.ord.equals(row.ord) ?? true;
    if (bytes >= pageBytesMax && !isTied) return { rows, isCut: true };
    bytes += BSON.calculateObjectSize(row);
    rows.push(row);
  }
  return { rows, isCut: false };
}
