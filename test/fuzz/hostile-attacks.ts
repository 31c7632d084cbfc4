import { setTimeout as delay } from "node:timers/promises";
import { WebSocket } from "ws";
import type { Random } from "../chaos/random.ts";
import { type HostileNames, junk, randomJoin, randomPacket } from "./hostile-packets.ts";
import type { HostileWires } from "./hostile-wire.ts";

interface Attack extends HostileNames {
  wires: HostileWires;
  random: Random;
}

const polling = "/socket.io/?EIO=4&transport=polling";
const websocket = "/socket.io/?EIO=4&transport=websocket";
const bytesMax = 300_000;

/** The ways in which a client is hostile. Each leaves its connections open. */
export const attacks: readonly [(attack: Attack) => Promise<void>, ...((attack: Attack) => Promise<void>)[]] =
  [
    overWebSocket,
    overWebSocket,
    byPolling,
    byPolling,
    floodOfOnePacket,
    controlFrames,
    probes,
    httpRequests,
    brokenHttp,
    pipelinedHttp,
  ];

/** Packets of any kind, with the tenant's key or without, read or not. */
async function overWebSocket(attack: Attack): Promise<void> {
  const { wires, random } = attack;
  const socket = await wires.websocket(websocket, random.next() < 0.5, forwarded(random));
  send(socket, randomJoin(random, attack));
  await delay(random.index(50));
  for (let packets = random.index(300); packets > 0; packets -= 1) {
    send(socket, random.next() < 0.03 ? Buffer.alloc(random.index(2_000)) : randomPacket(random, attack));
  }
  await delay(random.index(50));
}

async function byPolling(attack: Attack): Promise<void> {
  const { wires, random } = attack;
  const headers = forwarded(random);
  const opened = await wires.request(polling, { headers });
  const path = `${polling}&sid=${/"sid":"([^"]+)"/.exec(opened)?.[1] ?? junk(random, 20)}`;
  const post = (body: string) => wires.request(path, { method: "POST", body, headers });
  await post(randomJoin(random, attack));
  const isReading = random.next() < 0.5;
  for (let posts = random.index(6); posts > 0; posts -= 1) {
    const packets = Array.from({ length: random.index(60) }, () => randomPacket(random, attack));
    await post(packets.join("\x1e"));
    if (isReading) await Promise.race([wires.request(path, { headers }), delay(30)]);
  }
  if (random.next() < 0.2) {
    await Promise.all([post("3"), post("3"), wires.request(path, { method: "PUT", headers, body: "3" })]);
  }
}

/** The same packet as often as the connection takes it, unread: what a server answers has to go somewhere. */
async function floodOfOnePacket(attack: Attack): Promise<void> {
  const { wires, random } = attack;
  const socket = await wires.websocket(websocket, true, forwarded(random));
  send(socket, randomJoin(random, attack));
  const packet = random.pick(["40/x,", "40", '421["nothing"]', randomPacket(random, attack)]);
  const times = Math.min(20_000, bytesMax / (packet.length + 6));
  for (let sent = 0; sent < times; sent += 1) {
    send(socket, packet);
    if (sent % 500 === 0) await delay(1);
  }
}

async function controlFrames({ wires, random }: Attack): Promise<void> {
  const socket = await wires.websocket(websocket, true, forwarded(random));
  for (let frames = random.index(3_000); frames > 0; frames -= 1) {
    if (socket.readyState !== WebSocket.OPEN) return;
    if (random.next() < 0.5) socket.ping(Buffer.alloc(random.index(126)));
    else socket.send("4".repeat(random.index(3)), { fin: random.next() < 0.02 }, () => undefined);
  }
  await delay(10);
}

async function probes({ wires, random }: Attack): Promise<void> {
  const headers = forwarded(random);
  const opened = await wires.request(polling, { headers });
  const sid = /"sid":"([^"]+)"/.exec(opened)?.[1] ?? "";
  const socket = await wires.websocket(`${websocket}&sid=${sid}`, true, headers);
  for (let sent = 0; sent < random.index(5_000); sent += 1) send(socket, "2probe");
  if (random.next() < 0.3) send(socket, "5");
  await delay(10);
}

async function httpRequests(attack: Attack): Promise<void> {
  const { wires, random, tenantKey, channelIds } = attack;
  const channel = `/api/whatsapp/channels/${random.pick(channelIds)}`;
  for (let requests = random.index(12); requests > 0; requests -= 1) {
    const path = random.pick([
      ...([
        channel,
        `${channel}/events`,
        `${channel}/status`,
        `${channel}/commands`,
        `${channel}/qr`,
      ] as const),
      ...(["/api/whatsapp/channels", "/api/whatsapp/events", "/openapi.json", "/health/ready", "/"] as const),
      ...([
        "/api/whatsapp/session",
        "/socket.io/socket.io.js",
        polling,
        `${polling}&j=0`,
        websocket,
      ] as const),
      `/${encodeURI(junk(random, 50))}`,
    ]);
    const method = random.pick(["GET", "GET", "POST", "DELETE", "PATCH", "OPTIONS"]);
    const body = random.pick([
      "{}",
      "[",
      '{"name":{}}',
      JSON.stringify({ apiKey: junk(random, 40) }),
      "x".repeat(50_000),
    ]);
    await wires.request(`${path}${random.pick(["", "?limit=200", "?after=0", "?limit=-1&after=%00"])}`, {
      method,
      headers: { "Content-Type": "application/json", "X-Api-Key": random.pick([tenantKey, "wp_nobody"]) },
      ...(method !== "GET" && method !== "OPTIONS" && { body }),
    });
  }
}

/** Bytes that are no HTTP, or the beginning of a request that never ends. */
async function brokenHttp({ wires, random }: Attack): Promise<void> {
  const socket = await wires.tcp(random.next() < 0.5);
  const start = random.pick(["GET ", "POST ", "PRI * HTTP/2.0", "\x16\x03\x01", ""]);
  socket.write(`${start}${junk(random, 500)}`);
  if (random.next() < 0.5) socket.write("GET / HTTP/1.1\r\nHost: x\r\n");
  for (let headers = random.index(300); headers > 0; headers -= 1)
    socket.write(`X-${headers}: ${"v".repeat(50)}\r\n`);
  await delay(random.index(20));
}

async function pipelinedHttp({ wires, random }: Attack): Promise<void> {
  const socket = await wires.tcp(true);
  const path = random.pick(["/openapi.json", "/health/ready", "/socket.io/socket.io.js", polling]);
  const request = `GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`;
  for (let sent = random.index(200); sent > 0; sent -= 1) socket.write(request);
  await delay(random.index(20));
}

/** The target trusts one proxy, so that each hostile client may come from an address of its own. */
function forwarded(random: Random): Record<string, string> {
  return { "X-Forwarded-For": `198.51.100.${random.index(20)}` };
}

function send(socket: WebSocket, packet: string | Buffer): void {
  if (socket.readyState === WebSocket.OPEN) socket.send(packet, () => undefined);
}
