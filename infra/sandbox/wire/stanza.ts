import { randomBytes } from "node:crypto";
import type { BinaryNode } from "@whiskeysockets/baileys";

/** The server's own address; WhatsApp writes it with the @. */
export const serverJid = "@s.whatsapp.net";

/** A node. Attributes that are undefined are left out: Baileys' encoder would corrupt the frame. */
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

/** The bytes of a node; text comes as a string when the codec found it in its dictionary. Empty if it has none. */
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
/** An id for a stanza, or a message as a phone would name it. */
export const randomId = (prefix = ""): string => prefix + randomBytes(9).toString("hex").toUpperCase();
