import type { MediaKind } from "#shared/content.ts";
import {
  type Accepted,
  acceptedIn,
  type Channel,
  type ChannelList,
  type Command,
  type ConsoleInfo,
  type Control,
  channelIn,
  channelListIn,
  codeIn,
  commandIn,
  controlIn,
  infoIn,
  qrIn,
} from "./answers.ts";
import { jsonField } from "./json-field.ts";
import type { CodePairing, QrPairing } from "./pairing.ts";
import { type Call, createCall, type Listener } from "./request.ts";

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

const prefix = "/api/whatsapp";
const storedOnly = "respond-async";

const channelPath = (channelId: string) => `${prefix}/channels/${encodeURIComponent(channelId)}`;

/** The HTTP calls of the page. Each rejects with a `RequestError`. */
export function createApi(fetchFrom: typeof fetch, listener: Listener) {
  const call = createCall(fetchFrom, listener);
  return { ...sessionCalls(call), ...channelCalls(call), ...connectionCalls(call), ...sendingCalls(call) };
}

export type Api = ReturnType<typeof createApi>;

function sessionCalls(call: Call) {
  return {
    async info(): Promise<ConsoleInfo> {
      return infoIn(await call("GET", "/console.json"));
    },
    signIn: (apiKey: string) => call("POST", `${prefix}/session`, { apiKey }),
    signOut: () => call("DELETE", `${prefix}/session`),
  };
}

function channelCalls(call: Call) {
  return {
    async channels(cursor: string | null = null): Promise<ChannelList> {
      const query = cursor === null ? "" : `?cursor=${encodeURIComponent(cursor)}`;
      return channelListIn(await call("GET", `${prefix}/channels${query}`));
    },
    async channel(channelId: string): Promise<Channel> {
      return channelIn(jsonField(await call("GET", channelPath(channelId)), "payload"));
    },
    async createChannel(draft: { name: string; phoneNumber?: string }): Promise<Channel> {
      return channelIn(jsonField(await call("POST", `${prefix}/channels`, draft), "payload"));
    },
    remove: (channelId: string) => call("DELETE", channelPath(channelId)),
  };
}

function connectionCalls(call: Call) {
  async function control(channelId: string, verb: string): Promise<Control> {
    return controlIn(await call("POST", `${channelPath(channelId)}/${verb}`, {}));
  }
  return {
    connect: (channelId: string) => control(channelId, "connect"),
    disconnect: (channelId: string) => control(channelId, "disconnect"),
    logout: (channelId: string) => control(channelId, "logout"),
    async requestPairingCode(
      channelId: string,
      phoneNumber: string,
    ): Promise<{ control: Control; code: CodePairing | null }> {
      const body = await call("POST", `${channelPath(channelId)}/pairing-code`, { phoneNumber });
      return { control: controlIn(body), code: codeIn(body) };
    },
    /** The QR waiting to be scanned. Rejects with `qr_not_available` if there is none. */
    async qr(channelId: string): Promise<QrPairing> {
      const path = `${channelPath(channelId)}/qr`;
      return qrIn(await call("GET", path), path);
    },
  };
}

function sendingCalls(call: Call) {
  return {
    /** Resolves as soon as the message is stored; events report its outcome. */
    async sendText(channelId: string, draft: TextDraft): Promise<Accepted> {
      const body = { ...draft, type: "text" };
      return acceptedIn(await call("POST", `${channelPath(channelId)}/send`, body, storedOnly));
    },
    async sendMedia(channelId: string, draft: MediaDraft): Promise<Accepted> {
      return acceptedIn(await call("POST", `${channelPath(channelId)}/send-media`, draft, storedOnly));
    },
    async command(commandId: string): Promise<Command> {
      return commandIn(await call("GET", `${prefix}/commands/${encodeURIComponent(commandId)}`));
    },
  };
}
