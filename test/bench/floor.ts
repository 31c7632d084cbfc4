import { type AnyBulkWriteOperation, type Collection, type Document, MongoClient } from "mongodb";

/** Rows as they wait for the next write. */
type Waiting = { row: Document & { _id: string }; written: PromiseWithResolvers<void> };

/**
 * The floor of durability: keeps rows with majority and journal, in one command for all that wait at the same moment,
 * and one command after the other.
 */
export class Floor {
  readonly #rows: Collection<Document & { _id: string }>;
  #waiting: Waiting[] = [];
  #isWriting = false;

  private constructor(rows: Collection<Document & { _id: string }>) {
    this.#rows = rows;
  }

  static async open(uri: string): Promise<Floor> {
    const client = await MongoClient.connect(uri, { writeConcern: { w: "majority", journal: true } });
    return new Floor(client.db().collection("rows"));
  }

  /** Resolves once the row is durable. */
  keep(_id: string, row: Document): Promise<void> {
    const written = Promise.withResolvers<void>();
    this.#waiting.push({ row: { ...row, _id }, written });
    if (!this.#isWriting) void this.#write();
    return written.promise;
  }

  async #write(): Promise<void> {
    this.#isWriting = true;
    // Lets everything that this turn of the event loop adds into the command.
    await new Promise((resolve) => setImmediate(resolve));
    for (let batch = this.#take(); batch.length > 0; batch = this.#take()) {
      const operations = batch.map(
        ({ row }): AnyBulkWriteOperation<Document & { _id: string }> => ({
          replaceOne: { filter: { _id: row._id }, replacement: row, upsert: true },
        }),
      );
      const failure = await this.#rows.bulkWrite(operations).then(
        () => null,
        (error: unknown) => ({ error }),
      );
      for (const { written } of batch) {
        if (failure) written.reject(failure.error);
        else written.resolve();
      }
    }
    this.#isWriting = false;
  }

  #take(): Waiting[] {
    const batch = this.#waiting;
    this.#waiting = [];
    return batch;
  }
}
