import { connect, type Socket } from "node:net";

/** An answer as it came over the wire. */
export interface RawAnswer {
  status: number;
  /** Names in lower case. */
  headers: Record<string, string>;
  body: string;
}

/** Opens a connection to a server on this machine. Errors only close it. */
export function openSocket(url: string): Socket {
  return connect(Number(new URL(url).port), "127.0.0.1").on("error", () => undefined);
}

/** Resolves when the connection is closed, by an error too. */
export function closed(socket: Socket): Promise<void> {
  return new Promise((resolve) => socket.resume().once("close", () => resolve()));
}

/** Sends raw bytes on a connection of their own and reads until the server closes it. */
export async function exchange(url: string, bytes: string): Promise<RawAnswer> {
  const socket = openSocket(url);
  socket.write(Buffer.from(bytes, "latin1"));
  let text = "";
  for await (const chunk of socket) text += chunk;
  return parsed(text);
}

/** Sends a request on an open connection and reads an answer that has a `Content-Length`. */
export async function ask(socket: Socket, bytes: string): Promise<RawAnswer> {
  socket.write(bytes);
  let text = "";
  for await (const chunk of socket.iterator({ destroyOnReturn: false })) {
    text += chunk;
    const { headers, body } = parsed(text);
    if (text.includes("\r\n\r\n") && Buffer.byteLength(body) >= Number(headers["content-length"])) break;
  }
  return parsed(text);
}

function parsed(text: string): RawAnswer {
  const [head = "", ...rest] = text.split("\r\n\r\n");
  const [status = "", ...lines] = head.split("\r\n");
  const headers = lines.map((line) => {
    const at = line.indexOf(":");
    return [line.slice(0, at).toLowerCase(), line.slice(at + 1).trim()];
  });
  return {
    status: Number(status.split(" ")[1]),
    headers: Object.fromEntries(headers),
    body: rest.join("\r\n\r\n"),
  };
}
