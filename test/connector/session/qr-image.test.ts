import { randomBytes } from "node:crypto";
import { createRequire } from "node:module";
import { create, toDataURL } from "qrcode";
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
    const ours = pictureIn(qrImage(text));
    const bytes = [{ data: Buffer.from(text), mode: "byte" }] as const;
    const options = { errorCorrectionLevel: "L", margin: 2, width: 360, maskPattern: 0 } as const;
    const theirs = pictureIn(await toDataURL([...bytes], options));
    expect([ours.width, ours.height]).toEqual([360, 360]);
    expect(Buffer.compare(ours.data, theirs.data)).toBe(0);
  },
);

test("a QR of keys has no more modules than the smallest for them", async () => {
  const keys = [66, 32, 32, 32].map((length) => randomBytes(length).toString("base64"));
  const text = `2@${keys.join(",")}`;
  const { modules } = create(text, { errorCorrectionLevel: "L" });
  const { data } = pictureIn(qrImage(text));
  const isDark = (pixel: number) => data[4 * (pixel * 360 + pixel)] === 0;
  const margin = 2 * (360 / (modules.size + 4));
  expect(Array.from({ length: 360 }, (_, pixel) => pixel).find(isDark)).toBe(Math.ceil(margin));
});
