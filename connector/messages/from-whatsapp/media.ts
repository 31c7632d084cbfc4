import { filled, type ProtoNumber, whole } from "./fields.ts";
import type { Convert, Converted } from "./kind.ts";

interface Attachment {
  mimetype?: string | null;
  fileLength?: ProtoNumber;
  caption?: string | null;
  viewOnce?: boolean | null;
}

function fileOf({ mimetype, fileLength, viewOnce }: Attachment) {
  return {
    mimetype: mimetype ?? null,
    sizeBytes: whole(fileLength) ?? null,
    ...(viewOnce && { viewOnce: true as const }),
  };
}

const pixelsOf = ({ width, height }: { width?: number | null; height?: number | null }) =>
  filled({ width: whole(width) || undefined, height: whole(height) || undefined });

const captioned = (content: Converted["content"] & { caption?: string }): Converted => ({
  content,
  text: content.caption ?? "",
});

export const image: Convert<"imageMessage"> = (value) =>
  captioned({ type: "image", ...fileOf(value), ...pixelsOf(value), ...filled({ caption: value.caption }) });

export const video: Convert<"videoMessage"> = (value) => {
  const { caption, seconds, gifPlayback } = value;
  const type = gifPlayback ? "gif" : "video";
  return captioned({
    type,
    ...fileOf(value),
    ...pixelsOf(value),
    ...filled({ seconds: whole(seconds), caption }),
  });
};

export const videoNote: Convert<"ptvMessage"> = (value) => ({
  content: {
    type: "video_note",
    ...fileOf(value),
    ...pixelsOf(value),
    ...filled({ seconds: whole(value.seconds) }),
  },
  text: "",
});

export const audio: Convert<"audioMessage"> = (value) => ({
  content: {
    type: value.ptt ? "voice" : "audio",
    ...fileOf(value),
    ...filled({ seconds: whole(value.seconds) }),
  },
  text: "",
});

export const document: Convert<"documentMessage"> = (value) => {
  const { caption, fileName, title, pageCount } = value;
  const named = { fileName: fileName || title, pages: whole(pageCount) || undefined };
  return captioned({ type: "document", ...fileOf(value), ...filled({ ...named, caption }) });
};

export const sticker: Convert<"stickerMessage"> = (value) => ({
  content: {
    type: "sticker",
    ...fileOf(value),
    ...pixelsOf(value),
    ...(value.isAnimated && { isAnimated: true }),
  },
  text: "",
});

export const stickerPack: Convert<"stickerPackMessage"> = ({ name, publisher, stickers, caption }) => ({
  content: {
    type: "sticker_pack",
    name: name ?? "",
    stickers: stickers?.length ?? 0,
    ...filled({ publisher, caption }),
  },
  text: caption || name || "",
});

export const album: Convert<"albumMessage"> = ({ expectedImageCount, expectedVideoCount }) => ({
  content: { type: "album", images: whole(expectedImageCount) ?? 0, videos: whole(expectedVideoCount) ?? 0 },
  text: "",
});
