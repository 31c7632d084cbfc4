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
import { type Answer, type Call, createCall, type Listener } from "./request.ts";

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
const controlWait = "wait=10";
/** How long WhatsApp may take to confirm that a device is gone. */
const unlinkWait = "wait=5";

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
      return infoIn(await bodyOf(call("GET", "/console.json")));
    },
    signIn: (apiKey: string) => call("POST", `${prefix}/session`, { body: { apiKey } }),
    signOut: () => call("DELETE", `${prefix}/session`),
  };
}

function channelCalls(call: Call) {
  return {
    async channels(cursor: string | null = null): Promise<ChannelList> {
      const query = cursor === null ? "" : `?cursor=${encodeURIComponent(cursor)}`;
      return channelListIn(await bodyOf(call("GET", `${prefix}/channels${query}`)));
    },
    async channel(channelId: string): Promise<Channel> {
      return channelIn(jsonField(await bodyOf(call("GET", channelPath(channelId))), "payload"));
    },
    async createChannel(draft: { name: string; phoneNumber?: string }): Promise<Channel> {
      const created = call("POST", `${prefix}/channels`, { body: draft, keyed: "until answered" });
      return channelIn(jsonField(await bodyOf(created), "payload"));
    },
    async remove(channelId: string): Promise<Control> {
      return controlIn(
        await call("DELETE", channelPath(channelId), { prefer: unlinkWait, keyed: "until answered" }),
      );
    },
  };
}

function connectionCalls(call: Call) {
  /** Never the answer to an earlier call: the channel may have been connected, or logged out, in between. */
  async function control(channelId: string, verb: string, prefer = controlWait): Promise<Control> {
    const path = `${channelPath(channelId)}/${verb}`;
    return controlIn(await call("POST", path, { body: {}, prefer, keyed: "each call" }));
  }
  return {
    connect: (channelId: string) => control(channelId, "connect"),
    disconnect: (channelId: string) => control(channelId, "disconnect"),
    logout: (channelId: string) => control(channelId, "logout", unlinkWait),
    async requestPairingCode(
      channelId: string,
      phoneNumber: string,
    ): Promise<{ control: Control; code: CodePairing | null }> {
      const answer = await call("POST", `${channelPath(channelId)}/pairing-code`, {
        body: { phoneNumber },
        prefer: controlWait,
        keyed: "until answered",
      });
      return { control: controlIn(answer), code: codeIn(answer.body) };
    },
    /** The QR waiting to be scanned. Rejects with `qr_not_available` if there is none. */
    async qr(channelId: string): Promise<QrPairing> {
      const path = `${channelPath(channelId)}/qr`;
      return qrIn(await bodyOf(call("GET", path)), path);
    },
  };
}

function sendingCalls(call: Call) {
  const send = async (path: string, body: object) =>
    acceptedIn(await bodyOf(call("POST", path, { body, prefer: storedOnly, keyed: "until answered" })));
  return {
    /** Resolves as soon as the message is stored; events report its outcome. */
    sendText: (channelId: string, draft: TextDraft): Promise<Accepted> =>
      send(`${channelPath(channelId)}/send`, { ...draft, type: "text" }),
    sendMedia: (channelId: string, draft: MediaDraft): Promise<Accepted> =>
      send(`${channelPath(channelId)}/send-media`, draft),
    async command(commandId: string): Promise<Command> {
      return commandIn(await bodyOf(call("GET", `${prefix}/commands/${encodeURIComponent(commandId)}`)));
    },
  };
}

async function bodyOf(answer: Promise<Answer>): Promise<unknown> {
  return (await answer).body;
}
