import { createCipheriv, createDecipheriv, createHash, createHmac, hkdfSync, randomBytes } from "node:crypto";
import type { proto } from "@whiskeysockets/baileys";
import type { MediaContent, MediaKind } from "../account.ts";
import type { MediaStore } from "./media-host.ts";

interface Shape {
  field: "imageMessage" | "videoMessage" | "audioMessage" | "documentMessage" | "stickerMessage";
  /** HKDF info of the derived keys; stickers use that of images. */
  keyInfo: string;
}

const shapes: Record<MediaKind, Shape> = {
  image: { field: "imageMessage", keyInfo: "WhatsApp Image Keys" },
  video: { field: "videoMessage", keyInfo: "WhatsApp Video Keys" },
  audio: { field: "audioMessage", keyInfo: "WhatsApp Audio Keys" },
  document: { field: "documentMessage", keyInfo: "WhatsApp Document Keys" },
  sticker: { field: "stickerMessage", keyInfo: "WhatsApp Image Keys" },
};
const kinds = Object.keys(shapes) as MediaKind[];
const macBytes = 10;

/** Encrypts and uploads an attachment as a phone would; returns the message that refers to it. */
export async function sealMedia(store: MediaStore, content: MediaContent): Promise<proto.IMessage> {
  const { field, keyInfo } = shapes[content.kind];
  const mediaKey = randomBytes(32);
  const { iv, key, macKey } = derive(mediaKey, keyInfo);
  const cipher = createCipheriv("aes-256-cbc", key, iv);
  const encrypted = Buffer.concat([cipher.update(content.bytes), cipher.final()]);
  const blob = Buffer.concat([encrypted, macOf(macKey, iv, encrypted)]);
  const { url, directPath } = await store.put(blob);
  const reference = {
    url,
    directPath,
    mediaKey,
    mimetype: content.mimetype,
    fileSha256: sha256(content.bytes),
    fileEncSha256: sha256(blob),
    fileLength: content.bytes.length,
    mediaKeyTimestamp: Math.floor(Date.now() / 1000),
    ...(content.caption === undefined ? {} : { caption: content.caption }),
    ...(content.fileName === undefined ? {} : { fileName: content.fileName }),
  };
  return { [field]: reference };
}

/** An attachment as a message describes it; `open` fetches and decrypts it, and throws where a phone would report an error. */
export interface Attachment {
  kind: MediaKind;
  mimetype: string;
  caption?: string;
  fileName?: string;
  open(): Promise<Buffer>;
}

export function attachmentOf(store: MediaStore, message: proto.IMessage): Attachment | null {
  const inner = message.documentWithCaptionMessage?.message ?? message;
  const kind = kinds.find((candidate) => inner[shapes[candidate].field]);
  const reference = kind && inner[shapes[kind].field];
  if (!kind || !reference) return null;
  const caption = "caption" in reference ? reference.caption : null;
  const fileName = "fileName" in reference ? reference.fileName : null;
  return {
    kind,
    mimetype: reference.mimetype ?? "",
    ...(caption ? { caption } : {}),
    ...(fileName ? { fileName } : {}),
    open: () => fetchAndOpen(store, reference, shapes[kind].keyInfo),
  };
}

interface Reference {
  directPath?: string | null;
  mediaKey?: Uint8Array | null;
  fileSha256?: Uint8Array | null;
  fileEncSha256?: Uint8Array | null;
}

async function fetchAndOpen(store: MediaStore, reference: Reference, keyInfo: string): Promise<Buffer> {
  const { directPath, mediaKey, fileSha256, fileEncSha256 } = reference;
  if (!directPath || !mediaKey) throw new Error("incomplete media reference");
  const blob = await store.get(directPath);
  if (!blob) throw new Error("the media is not on the host");
  if (!sha256(blob).equals(fileEncSha256 ?? Buffer.alloc(0)))
    throw new Error("the encrypted media has the wrong hash");
  const { iv, key, macKey } = derive(Buffer.from(mediaKey), keyInfo);
  const encrypted = blob.subarray(0, -macBytes);
  if (!macOf(macKey, iv, encrypted).equals(blob.subarray(-macBytes)))
    throw new Error("the media has the wrong MAC");
  const decipher = createDecipheriv("aes-256-cbc", key, iv);
  const bytes = Buffer.concat([decipher.update(encrypted), decipher.final()]);
  if (!sha256(bytes).equals(fileSha256 ?? Buffer.alloc(0))) throw new Error("the media has the wrong hash");
  return bytes;
}

function derive(mediaKey: Buffer, keyInfo: string) {
  const derived = Buffer.from(hkdfSync("sha256", mediaKey, Buffer.alloc(0), keyInfo, 112));
  return { iv: derived.subarray(0, 16), key: derived.subarray(16, 48), macKey: derived.subarray(48, 80) };
}

const macOf = (key: Buffer, iv: Buffer, encrypted: Buffer): Buffer =>
  createHmac("sha256", key).update(iv).update(encrypted).digest().subarray(0, macBytes);

const sha256 = (bytes: Uint8Array): Buffer => createHash("sha256").update(bytes).digest();
