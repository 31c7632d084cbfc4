import type { ChannelStatus, StatusReason } from "../../shared/channel.ts";
import type { CommandState } from "../../shared/commands.ts";
import type { MediaKind } from "../../shared/content.ts";
import type { MessageStatus } from "../../shared/events.ts";
import { errorFromAnswer, RequestError } from "./request-error.ts";

/** A channel as the API describes it, as far as the page reads it. */
export interface Channel {
  channelId: string;
  name: string;
  phoneNumber: string | null;
  status: ChannelStatus;
  reason?: StatusReason | null;
  /** RFC 3339. */
  retryAt?: string | null;
}

export interface ChannelList {
  channels: Channel[];
  nextCursor: string | null;
}

export interface Accepted {
  messageId: string;
  status: MessageStatus;
  commandId: string | null;
}

/** Whether what was asked of a channel is done, or only stored until a connector can do it. */
export type Control = "done" | "stored";

export interface Command {
  state: CommandState;
  error?: { code: string; message: string } | null;
}

export interface ConsoleInfo {
  version: string | null;
  /** The sandbox's phone page, when this is a sandbox. */
  sandboxUrl: string | null;
}

export interface TextDraft {
  to: string;
  message: string;
}

export interface MediaDraft {
  to: string;
  mediaType: MediaKind;
  mediaUrl: string;
  caption?: string;
  fileName?: string;
}

type Body = Record<string, unknown>;

/** What the page wants to know of every answer. */
export interface Listener {
  /** When the server answered by its own clock, milliseconds; null when it did not say. */
  answered: (serverTime: number | null) => void;
  /** The session is over, or there never was one. */
  unauthorized: () => void;
}

const timeoutMs = 40_000;
const prefix = "/api/whatsapp";

/** The calls of the page. Each rejects with a `RequestError`; the session cookie goes along by itself. */
export function createApi(fetchFrom: typeof fetch, listener: Listener) {
  async function call(method: string, path: string, body?: object, prefer?: string): Promise<Body> {
    const response = await request(fetchFrom, method, path, body, prefer);
    const date = Date.parse(response.headers.get("Date") ?? "");
    listener.answered(Number.isNaN(date) ? null : date);
    const parsed: unknown = await response.json().catch(() => null);
    if (response.status === 401) listener.unauthorized();
    if (!response.ok) throw errorFromAnswer(response.status, parsed);
    return (parsed ?? {}) as Body;
  }

  const channelPath = (channelId: string) => `${prefix}/channels/${encodeURIComponent(channelId)}`;

  async function control(channelId: string, verb: string, body: object = {}): Promise<Control> {
    const { payload } = await call("POST", `${channelPath(channelId)}/${verb}`, body);
    return (payload as { status?: string } | undefined)?.status === "queued" ? "stored" : "done";
  }

  return {
    async info(): Promise<ConsoleInfo> {
      const { version, sandboxUrl } = await call("GET", "/console.json");
      return { version: textOrNull(version), sandboxUrl: textOrNull(sandboxUrl) };
    },
    signIn: (apiKey: string) => call("POST", `${prefix}/session`, { apiKey }),
    signOut: () => call("DELETE", `${prefix}/session`),

    async channels(cursor: string | null = null): Promise<ChannelList> {
      const query = cursor === null ? "" : `?cursor=${encodeURIComponent(cursor)}`;
      const answer = await call("GET", `${prefix}/channels${query}`);
      return { channels: answer.payload as Channel[], nextCursor: textOrNull(answer.nextCursor) };
    },
    async channel(channelId: string): Promise<Channel> {
      return (await call("GET", channelPath(channelId))).payload as Channel;
    },
    async createChannel(draft: { name: string; phoneNumber?: string }): Promise<Channel> {
      return (await call("POST", `${prefix}/channels`, draft)).payload as Channel;
    },
    connect: (channelId: string) => control(channelId, "connect"),
    requestPairingCode: (channelId: string, phoneNumber: string) =>
      control(channelId, "pairing-code", { phoneNumber }),
    disconnect: (channelId: string) => control(channelId, "disconnect"),
    logout: (channelId: string) => control(channelId, "logout"),
    remove: (channelId: string) => call("DELETE", channelPath(channelId)),

    /** Answers as soon as the message is stored; what becomes of it is told by events. */
    async sendText(channelId: string, draft: TextDraft): Promise<Accepted> {
      return accepted(
        await call("POST", `${channelPath(channelId)}/send`, { ...draft, type: "text" }, storedOnly),
      );
    },
    async sendMedia(channelId: string, draft: MediaDraft): Promise<Accepted> {
      return accepted(await call("POST", `${channelPath(channelId)}/send-media`, draft, storedOnly));
    },
    async command(commandId: string): Promise<Command> {
      const answer = await call("GET", `${prefix}/commands/${encodeURIComponent(commandId)}`);
      return answer.payload as Command;
    },
  };
}

export type Api = ReturnType<typeof createApi>;

const storedOnly = "respond-async";

async function request(
  fetchFrom: typeof fetch,
  method: string,
  path: string,
  body: object | undefined,
  prefer: string | undefined,
): Promise<Response> {
  const headers: Record<string, string> = { Accept: "application/json" };
  if (body) headers["Content-Type"] = "application/json";
  if (prefer) headers.Prefer = prefer;
  try {
    return await fetchFrom(path, {
      method,
      headers,
      signal: AbortSignal.timeout(timeoutMs),
      ...(body ? { body: JSON.stringify(body) } : {}),
    });
  } catch (cause) {
    throw unreachable(cause);
  }
}

function unreachable(cause: unknown): RequestError {
  const isTimeout = cause instanceof Error && cause.name === "TimeoutError";
  return isTimeout
    ? new RequestError("timeout", "The server did not answer in time.", { status: 0 })
    : new RequestError("unreachable", "The server cannot be reached.", { status: 0 });
}

function accepted(body: Body): Accepted {
  const payload = body.payload as { messageId: string; status: MessageStatus; commandId?: string };
  return { messageId: payload.messageId, status: payload.status, commandId: payload.commandId ?? null };
}

function textOrNull(value: unknown): string | null {
  return typeof value === "string" ? value : null;
}
