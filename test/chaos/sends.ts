import { randomUUID } from "node:crypto";
import type { Api } from "../support/api.ts";
import type { SupervisedProcesses } from "../support/system.ts";
import type { ChaosChannel } from "./channels.ts";

/** One message to send, and the answers that its sender received. Times are milliseconds since 1970. */
export interface Send {
  /** Unique: it identifies the message, whatever ids it gets. */
  text: string;
  channel: ChaosChannel;
  /** The contact's phone number. */
  to: string;
  stream: Stream;
  /** Position in its stream, from 1. A stream's next send waits until this one is answered. */
  number: number;
  askedAt: number;
  /** When a 2xx answer or the database's acknowledgement accepted it; null if it never was. */
  acceptedAt: number | null;
  /** At least one of the two ids is known once it is accepted. */
  commandId: string | null;
  messageId: string | null;
  /** The outcome that the answer claimed, if any. */
  claimed: "sent" | "failed" | null;
  /** Every answer, in order; one per attempt. */
  answers: { at: number; answer: string }[];
}

/** How a send enters: over HTTP, or as a command that another service inserts, in one of two lanes. */
export type Stream = keyof typeof streams;

const streams = {
  http: { lane: 1 },
  "database, lane 1": { lane: 1 },
  "database, lane 2": { lane: 2 },
} as const;

const retryMs = 500;

/**
 * Sends one message, repeating the request under its Idempotency-Key until it is accepted or refused. When `giveUp`
 * aborts first, the send counts as not accepted.
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

/** Inserts a command as another service would, repeating until the database acknowledges it. */
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
