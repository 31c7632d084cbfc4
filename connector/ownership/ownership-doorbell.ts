import type { ChangeStreamDocument, Db } from "mongodb";
import { collectionNames } from "#shared/collections.ts";
import { followChanges } from "#shared/follow-changes.ts";
import type { Logger } from "#shared/log.ts";

/** Rings when a channel becomes free and when connectors join or leave. A ring carries no state: a query decides. */
export interface OwnershipDoorbellOptions {
  db: Db;
  /** A channel was released. */
  freed(channelId: string): void;
  /** A connector joined, drains or is dead. Rings in write order, so it is draining before it releases channels. */
  membersChanged(connectorId: string): void;
  /** The stream is open again; changes in between did not ring. */
  reopened(): void;
  log: Logger;
  signal: AbortSignal;
}

interface Change {
  ns: { coll: string };
  documentKey: { _id: string };
}

/** An update's description names a nested field by its dotted path, as a single key. */
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
  return followChanges<ChangeStreamDocument & Change>({
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
