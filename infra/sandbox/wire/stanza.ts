import { randomBytes } from "node:crypto";
import type { BinaryNode } from "@whiskeysockets/baileys";

/** The server's own address; WhatsApp writes it with the @. */
export const serverJid = "@s.whatsapp.net";

/** Builds a node. Undefined attributes are left out, because Baileys' encoder would corrupt the frame. */
export function stanza(
  tag: string,
  attributes: Record<string, string | number | undefined> = {},
  content?: BinaryNode[] | Uint8Array | string,
): BinaryNode {
  const attrs: BinaryNode["attrs"] = {};
  for (const [name, value] of Object.entries(attributes))
    if (value !== undefined) attrs[name] = String(value);
  return content === undefined ? { tag, attrs } : { tag, attrs, content };
}

export function children(node: BinaryNode | undefined, tag?: string): BinaryNode[] {
  const all = Array.isArray(node?.content) ? node.content : [];
  return tag === undefined ? all : all.filter((child) => child.tag === tag);
}

export const child = (node: BinaryNode | undefined, tag: string): BinaryNode | undefined =>
  children(node, tag)[0];

/** The content of a node as bytes; empty if it has none. The codec returns text that is in its dictionary as a string. */
export function contentOf(node: BinaryNode | undefined): Buffer {
  const content = node?.content;
  if (content === undefined || Array.isArray(content)) return Buffer.alloc(0);
  return typeof content === "string" ? Buffer.from(content) : Buffer.from(content);
}

export const childContent = (node: BinaryNode | undefined, tag: string): Buffer =>
  contentOf(child(node, tag));
export const uint = (bytes: Buffer): number => (bytes.length === 0 ? 0 : bytes.readUIntBE(0, bytes.length));

export function bigEndian(value: number, length: number): Buffer {
  const bytes = Buffer.alloc(length);
  bytes.writeUIntBE(value, 0, length);
  return bytes;
}

export const unixNow = (): number => Math.floor(Date.now() / 1000);

/** A random id for a stanza, or with a phone's prefix for a message. */
export const randomId = (prefix = ""): string => prefix + randomBytes(9).toString("hex").toUpperCase();
