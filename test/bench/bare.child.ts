/**
 * Bare Baileys as a gateway: unpatched, all state in memory, behind the calls and events of Waypost that a benchmark uses.
 * With `MONGO_URI`, it also keeps the rows that Waypost's promises need at least, each before what it covers goes out.
 */

import { randomUUID } from "node:crypto";
import { createServer } from "node:http";
import { json } from "node:stream/consumers";
import makeWASocket, {
  type BinaryNode,
  Browsers,
  DisconnectReason,
  type SignalDataSet,
  WA_CERT_DETAILS,
  type WASocket,
} from "@whiskeysockets/baileys";
import logger from "@whiskeysockets/baileys/lib/Utils/logger.js";
import { Server } from "socket.io";
import { type BareAuth, bareAuth, dumpAuth, readAuth } from "./bare-auth.ts";
import { Floor } from "./floor.ts";

const { PORT = "0", WEBSOCKET_URL = "", ROOT_KEY = "", DUMP = "", MONGO_URI } = process.env;
WA_CERT_DETAILS.PUBLIC_KEY = Buffer.from(ROOT_KEY, "hex");
logger.level = "silent";
// libsignal prints sessions.
console.info = console.warn = console.error = console.log = () => {};

const floor = MONGO_URI ? await Floor.open(MONGO_URI) : null;
/** The ratchets, which must not be used twice. */
const keepRatchets = floor
  ? async ({ session = {} }: SignalDataSet) => {
      const rows = Object.entries(session);
      await Promise.all(rows.map(([id, row]) => floor.keep(`session/${id}`, { row: JSON.stringify(row) })));
    }
  : undefined;

const devices = readAuth(DUMP, keepRatchets);
const sockets = new Map<string, WASocket>();
const qrs = new Map<string, string>();
/** Sends that wait for WhatsApp's acknowledgement. */
const unacknowledged = new Map<string, () => void>();

const http = createServer();
const io = new Server(http, { transports: ["websocket"] });

function open(channelId: string): void {
  const { state } = devices.get(channelId) as BareAuth;
  const socket = makeWASocket({
    auth: state,
    browser: Browsers.macOS("Chrome"),
    logger,
    waWebSocketUrl: WEBSOCKET_URL,
    markOnlineOnConnect: false,
    syncFullHistory: false,
    emitOwnEvents: false,
  });
  sockets.set(channelId, socket);
  socket.ev.on("creds.update", (update) => void Object.assign(state.creds, update));
  socket.ev.on("connection.update", ({ qr, connection, lastDisconnect }) => {
    if (qr) {
      qrs.set(channelId, qr);
      io.emit("qr_code", { channelId });
    }
    if (connection === "open") io.emit("connection_update", { channelId, status: "active" });
    const code = (lastDisconnect?.error as { output?: { statusCode: number } } | undefined)?.output
      ?.statusCode;
    if (connection === "close" && code !== DisconnectReason.loggedOut) open(channelId);
  });
  socket.ev.on("messages.upsert", async ({ messages }) => {
    for (const { key, message } of messages) {
      const text = message?.conversation ?? message?.extendedTextMessage?.text;
      if (key.fromMe || !text) continue;
      await floor?.keep(`event/${key.id}`, { channelId, text });
      io.emit("incoming_message", { channelId, messageId: key.id, message: text });
    }
  });
  socket.ws.on("CB:ack,class:message", ({ attrs }: BinaryNode) => unacknowledged.get(attrs.id ?? "")?.());
}

/** Answers when the bytes are written, as Baileys does; on the floor when the outcome is durable. */
async function send(channelId: string, to: string, text: string): Promise<string | null | undefined> {
  const socket = sockets.get(channelId) as WASocket;
  if (!floor) return (await socket.sendMessage(`${to}@s.whatsapp.net`, { text }))?.key.id;
  const messageId = randomUUID().replaceAll("-", "").toUpperCase();
  const acknowledged = new Promise<void>((resolve) => unacknowledged.set(messageId, resolve));
  await floor.keep(`command/${messageId}`, { channelId, to, text, state: "queued" });
  await socket.sendMessage(`${to}@s.whatsapp.net`, { text }, { messageId });
  await acknowledged;
  unacknowledged.delete(messageId);
  await Promise.all([
    floor.keep(`event/${messageId}`, { channelId, status: "sent" }),
    floor.keep(`command/${messageId}`, { channelId, to, text, state: "succeeded" }),
  ]);
  return messageId;
}

async function answer(path: string, body: { to?: string; message?: string }): Promise<unknown> {
  const [, channelId = "", action] = /\/channels\/([^/]+)\/(\w+)$/.exec(path) ?? [];
  if (path.endsWith("/dump")) return dumpAuth(DUMP, devices);
  if (action === "send") return { messageId: await send(channelId, body.to ?? "", body.message ?? "") };
  if (action === "qr") return qrs.get(channelId);
  if (action === "connect") {
    devices.set(channelId, bareAuth(keepRatchets));
    return open(channelId);
  }
  return { channelId: randomUUID() };
}

io.on("connection", (socket) => socket.on("subscribe_channel", (_channel, done) => done({ ok: true })));
http.on("request", async (request, response) => {
  const path = request.url ?? "";
  if (path.startsWith("/socket.io/")) return;
  const body = request.method === "POST" ? ((await json(request)) as { to?: string; message?: string }) : {};
  const payload = await answer(path, body).catch((error: unknown) => {
    process.stderr.write(`${path}: ${error instanceof Error ? error.stack : String(error)}\n`);
    response.statusCode = 500;
  });
  response.end(typeof payload === "string" ? payload : JSON.stringify({ ok: true, payload }));
});
for (const channelId of devices.keys()) open(channelId);
http.listen(Number(PORT), "127.0.0.1");
process.once("disconnect", () => process.exit());
