import type { ChangeStreamDocument, Db } from "mongodb";
import { collectionNames } from "#shared/collections.ts";
import { followChanges } from "#shared/follow-changes.ts";
import type { Logger } from "#shared/log.ts";

/** Who hears that channels came free, and that connectors came or went. It only says "look". */
export interface OwnershipDoorbellOptions {
  db: Db;
  /** A channel was given back. */
  freed(channelId: string): void;
  /** A connector joined, drains or is dead. In the order of the writes: one that drains does so before it gives back. */
  membersChanged(connectorId: string): void;
  /** The stream is open again: whatever came in between was not heard. */
  reopened(): void;
  log: Logger;
  signal: AbortSignal;
}

interface Rung {
  ns: { coll: string };
  documentKey: { _id: string };
}

/** In an update's description the name of a nested field is one word, with its dot. */
const newOwner = { $getField: { field: "owner.connector", input: "$updateDescription.updatedFields" } };

const changes = [
  {
    $match: {
      $or: [
        {
          "ns.coll": collectionNames.channels,
          operationType: "update",
          $expr: { $eq: [newOwner, null] },
        },
        { "ns.coll": collectionNames.connectors, operationType: "insert" },
        {
          "ns.coll": collectionNames.connectors,
          operationType: "update",
          "updateDescription.updatedFields.state": { $exists: true },
        },
      ],
    },
  },
  { $project: { operationType: 1, ns: 1, documentKey: 1 } },
];

/** Listens until `signal` aborts. */
export function listenToOwnership(options: OwnershipDoorbellOptions): Promise<void> {
  const { db, freed, membersChanged, reopened, log, signal } = options;
  return followChanges<ChangeStreamDocument & Rung>({
    name: "ownership",
    watch: () => db.watch(changes),
    opened: reopened,
    changed({ ns, documentKey }) {
      if (ns.coll === collectionNames.channels) freed(documentKey._id);
      else membersChanged(documentKey._id);
    },
    log,
    signal,
  });
}
