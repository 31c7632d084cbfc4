import { once } from "node:events";
import { type AddressInfo, connect, createServer } from "node:net";
import { Transform } from "node:stream";
import { Binary, BSONRegExp, type Collection, type Document, MongoClient } from "mongodb";

/** Text that reaches the database as bytes that are not UTF-8, which Go's and C's drivers write and Node's cannot. */
export const notUtf8 = "\u0001\u0002\u0003\u0001";
/** A key that reaches the database as a second `channelId`, which Node's objects cannot have. */
export const secondChannelId = "cha\u0001\u0002elId";

/** A regular expression that reaches the database with an option that the driver refuses to read. */
export const unreadableRegExp = new BSONRegExp("unreadable", "i");
/** A binary that reaches the database with a length that is not its own. */
export const unreadableBinary = new Binary(Buffer.from("unreadable"), Binary.SUBTYPE_BYTE_ARRAY);

const replacements: ReadonlyArray<[Buffer, Buffer]> = [
  [Buffer.from(notUtf8), Buffer.of(0xff, 0xfe, 0xc3, 0x28)],
  [Buffer.from(secondChannelId), Buffer.from("channelId")],
  [Buffer.from("unreadable\0i\0"), Buffer.from("unreadable\0g\0")],
  [lengthAnd("unreadable", 10), lengthAnd("unreadable", 99)],
];

function lengthAnd(text: string, length: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32LE(length);
  return Buffer.concat([bytes, Buffer.from(text)]);
}

export interface ForeignWriter extends AsyncDisposable {
  /** Inserts a command; the server adds a missing `_id`. */
  insert(document: Record<string, unknown>): Promise<void>;
  commands: Collection<Document>;
}

/** Another service that writes to the database of `uri`, over a proxy that alters bytes. Disposal ends both. */
export async function foreignWriter(uri: string): Promise<ForeignWriter> {
  await using owned = new AsyncDisposableStack();
  const address = new URL(uri);
  const target = Number(address.port);
  const server = createServer((client) => {
    const upstream = connect(target, "127.0.0.1");
    for (const socket of [client, upstream]) socket.on("error", () => undefined);
    client.pipe(altering()).pipe(upstream).pipe(client);
    client.once("close", () => upstream.destroy());
    upstream.once("close", () => client.destroy());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  owned.defer(() => void server.close());
  address.port = String((server.address() as AddressInfo).port);
  address.searchParams.delete("replicaSet");
  address.searchParams.set("directConnection", "true");
  const client = owned.use(await MongoClient.connect(address.href));
  const kept = owned.move();
  const commands = client.db().collection<Document>("commands");
  return {
    commands,
    async insert(document) {
      await commands.insertOne(document, { forceServerObjectId: true });
    },
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

/** Replaces text by bytes of the same length, so that the lengths in BSON stay true. */
function altering(): Transform {
  let kept = Buffer.alloc(0);
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      const bytes = Buffer.concat([kept, chunk]);
      for (const [from, to] of replacements) {
        for (let at = bytes.indexOf(from); at >= 0; at = bytes.indexOf(from, at + from.length))
          to.copy(bytes, at);
      }
      const cut = bytes.length - splitAtEnd(bytes);
      kept = Buffer.from(bytes.subarray(cut));
      done(null, bytes.subarray(0, cut));
    },
  });
}

/** How many bytes at the end may be the first part of something to replace. */
function splitAtEnd(bytes: Buffer): number {
  for (let length = Math.min(secondChannelId.length - 1, bytes.length); length > 0; length--) {
    const end = bytes.subarray(bytes.length - length);
    if (replacements.some(([from]) => from.length > length && from.subarray(0, length).equals(end)))
      return length;
  }
  return 0;
}
