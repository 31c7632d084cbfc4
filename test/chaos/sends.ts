import { randomUUID } from "node:crypto";
import type { Api } from "../support/api.ts";
import type { SupervisedProcesses } from "../support/system.ts";
import type { ChaosChannel } from "./channels.ts";

/** One message that was to be sent, and what its sender was told. Times are milliseconds since 1970. */
export interface Send {
  /** Nobody else's: it is what the messages are told apart by, whatever ids they get. */
  text: string;
  channel: ChaosChannel;
  /** Phone number of the reader. */
  to: string;
  stream: Stream;
  /** Of its stream, from 1; a sender goes on only when the one before was confirmed. */
  number: number;
  askedAt: number;
  /** When a 2xx, or the database's acknowledgement, promised it; null: nobody did. */
  acceptedAt: number | null;
  /** One of the two is known as soon as it is accepted. */
  commandId: string | null;
  messageId: string | null;
  /** What the answer claimed about its fate, when it claimed something. */
  claimed: "sent" | "failed" | null;
  /** Every answer but the last one, and that. */
  answers: { at: number; answer: string }[];
}

/** Where a sender's messages go in: over HTTP, or as a document of another service, in one of two lanes. */
export type Stream = keyof typeof streams;

const streams = {
  http: { lane: 1 },
  "database, lane 1": { lane: 1 },
  "database, lane 2": { lane: 2 },
} as const;

const retryMs = 500;

/**
 * Sends one message and repeats the request under its Idempotency-Key until somebody promised it or refused it, or
 * `giveUp` aborts: then nobody promised anything.
 */
export async function sendOverHttp(
  system: SupervisedProcesses,
  send: Send,
  giveUp: AbortSignal,
  turn: number,
): Promise<void> {
  const key = randomUUID();
  const wait = turn % 5 === 0 ? "wait=5" : "respond-async";
  for (let attempt = 0; !giveUp.aborted; attempt++) {
    const api = system.api(turn + attempt);
    const { status, body } = await post(api, send, { "Idempotency-Key": key, Prefer: wait }, giveUp);
    const code = body?.error?.code ?? body?.payload?.status ?? "";
    send.answers.push({ at: Date.now(), answer: `${status} ${code}`.trim() });
    const ids = { ...body?.payload, ...(body?.error?.details as object | undefined) };
    if (status === 429 || status >= 500 || status === 0) {
      await new Promise((resolve) => setTimeout(resolve, retryMs));
      continue;
    }
    if (!ids.messageId) return;
    send.acceptedAt = Date.now();
    send.messageId = ids.messageId;
    send.commandId = ids.commandId ?? null;
    if (status === 200) send.claimed = "sent";
    else if (status >= 400) send.claimed = "failed";
    return;
  }
}

async function post(api: Api, send: Send, headers: Record<string, string>, giveUp: AbortSignal) {
  const { channelId } = send.channel;
  const signal = AbortSignal.any([giveUp, AbortSignal.timeout(15_000)]);
  try {
    const request = { to: send.to, message: send.text };
    return await api.call("POST", `/channels/${channelId}/send`, request, headers, signal);
  } catch (error) {
    const reason = error instanceof Error ? `${error.name} ${error.cause ?? ""}` : String(error);
    return { status: 0, body: { error: { code: reason } } as never };
  }
}

/** Inserts a command as another service would, and repeats that until the database has it. */
export async function sendThroughDatabase(
  system: SupervisedProcesses,
  send: Send,
  giveUp: AbortSignal,
): Promise<void> {
  const commands = system.database.db.collection<{ _id: string }>("commands");
  const { channelId } = send.channel;
  const payload = { to: send.to, content: { type: "text", text: send.text } };
  const { lane } = streams[send.stream];
  const _id = `chaos-${randomUUID()}`;
  while (!giveUp.aborted) {
    try {
      await commands.updateOne(
        { _id },
        { $setOnInsert: { channelId, type: "message.send", payload, lane } },
        { upsert: true },
      );
      send.answers.push({ at: Date.now(), answer: "inserted" });
      send.acceptedAt = Date.now();
      send.commandId = _id;
      return;
    } catch (error) {
      send.answers.push({ at: Date.now(), answer: String(error) });
      await new Promise((resolve) => setTimeout(resolve, retryMs));
    }
  }
}
