import { createRequire } from "node:module";
import { toDataURL } from "qrcode";
import { expect, test } from "vitest";
import { qrImage } from "#connector/session/qr-image.ts";

interface Picture {
  width: number;
  height: number;
  data: Buffer;
}

/** The PNG reader of `qrcode`, which checks the checksums. */
const { PNG }: { PNG: { sync: { read(bytes: Buffer): Picture } } } = createRequire(
  createRequire(import.meta.url).resolve("qrcode"),
)("pngjs");

function pictureIn(url: string): Picture {
  const [head, body = ""] = url.split(",");
  expect(head).toBe("data:image/png;base64");
  return PNG.sync.read(Buffer.from(body, "base64"));
}

test.each([1, 40, 130, 237, 500])(
  "a QR of %i characters has the pixels that `qrcode` draws",
  async (length) => {
    const text = "2@x/Y+9,".repeat(length).slice(0, length);
    const ours = pictureIn(await qrImage(text));
    const theirs = pictureIn(await toDataURL(text, { errorCorrectionLevel: "L", margin: 2, width: 360 }));
    expect([ours.width, ours.height]).toEqual([360, 360]);
    expect(Buffer.compare(ours.data, theirs.data)).toBe(0);
  },
);
