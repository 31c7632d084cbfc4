import { BSON, type Document } from "mongodb";
import { overProxy, tcpProxy } from "./tcp-proxy.ts";

/** A command as a client put it on the wire. */
export interface TappedCommand {
  /** The client's `appName`; null if it has none. */
  app: string | null;
  name: string;
  collection: string;
  bytes: number;
  /** The statements that insert, update and delete, whether or not they match a document. */
  rows: number;
  /** Whether it writes and waits for a majority. */
  isDurable: boolean;
}

/** A proxy to MongoDB that notes every command which passes, without those of the driver itself. */
export interface CommandTap extends AsyncDisposable {
  /** The address through the tap. */
  uri: string;
  commands: readonly TappedCommand[];
  /** Forgets the commands so far. */
  reset(): void;
}

const ofTheDriver = /^(hello|isMaster|ping|endSessions|sasl(Start|Continue)|killCursors)$/i;
const statements = ["documents", "updates", "deletes", "ops"];
const writes = new Set(["insert", "update", "delete", "findAndModify", "bulkWrite", "commitTransaction"]);

export async function commandTap(mongoUri: string): Promise<CommandTap> {
  const commands: TappedCommand[] = [];
  const proxy = await tcpProxy(Number(new URL(mongoUri).port), () => {
    let app: string | null = null;
    return readMessages((message) => {
      app = message.body.client?.application?.name ?? app;
      const command = toCommand(message, app);
      if (!ofTheDriver.test(command.name)) commands.push(command);
    });
  });
  return {
    uri: overProxy(proxy, mongoUri),
    commands,
    reset() {
      commands.length = 0;
    },
    [Symbol.asyncDispose]: () => proxy[Symbol.asyncDispose](),
  };
}

interface Message {
  body: Document;
  /** Documents that travel beside the body: the field that they belong to, and how many there are. */
  beside: Map<string, number>;
  bytes: number;
}

function toCommand({ body, beside, bytes }: Message, app: string | null): TappedCommand {
  const [name = "", collection] = Object.entries(body)[0] ?? [];
  const counts = statements.map((field) => beside.get(field) ?? body[field]?.length ?? 0);
  const rows = name === "findAndModify" ? 1 : counts.reduce((sum, each) => sum + each, 0);
  const isDurable = writes.has(name) && body.writeConcern?.w === "majority";
  return { app, name, collection: String(collection), bytes, rows, isDurable };
}

const headerBytes = 16;
const opMsg = 2013;
const opQuery = 2004;

/** Puts the bytes of one connection together again, and reads each message of MongoDB's wire protocol in them. */
function readMessages(hear: (message: Message) => void): (bytes: Buffer) => void {
  let pending: Buffer = Buffer.alloc(0);
  return (bytes) => {
    pending = pending.length > 0 ? Buffer.concat([pending, bytes]) : bytes;
    while (pending.length >= 4) {
      const length = pending.readInt32LE(0);
      if (pending.length < length) return;
      const message = readMessage(pending.subarray(0, length));
      pending = pending.subarray(length);
      if (message) hear(message);
    }
  };
}

function readMessage(bytes: Buffer): Message | null {
  const code = bytes.readInt32LE(12);
  if (code === opMsg) return readOpMsg(bytes);
  // A driver says hello in the old form.
  if (code !== opQuery) return null;
  const name = bytes.indexOf(0, headerBytes + 4);
  return { body: BSON.deserialize(bytes.subarray(name + 9)), beside: new Map(), bytes: bytes.length };
}

function readOpMsg(bytes: Buffer): Message {
  const message: Message = { body: {}, beside: new Map(), bytes: bytes.length };
  for (let at = headerBytes + 4; at < bytes.length; ) {
    const kind = bytes[at++];
    const size = bytes.readInt32LE(at);
    const section = bytes.subarray(at, at + size);
    at += size;
    if (kind === 0) message.body = BSON.deserialize(section);
    else {
      const end = section.indexOf(0, 4);
      message.beside.set(section.toString("utf8", 4, end), countDocuments(section.subarray(end + 1)));
    }
  }
  return message;
}

function countDocuments(bytes: Buffer): number {
  let count = 0;
  for (let at = 0; at < bytes.length; at += bytes.readInt32LE(at)) count++;
  return count;
}
