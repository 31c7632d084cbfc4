import fc from "fast-check";
import { expect, test } from "vitest";
import { createFrameReader, frame, frameBytesMax } from "#infra/sandbox/wire/frames.ts";

const plain = Buffer.from("WA\x06\x03");
const routing = Buffer.from("ED\x00\x01\x00\x00\x05abcdeWA\x06\x03");

test("frames are reassembled however the stream is split, with either introduction", () => {
  const payloads = fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 5 });
  const cuts = fc.array(fc.nat(2_000), { maxLength: 10 });
  fc.assert(
    fc.property(payloads, cuts, fc.constantFrom(plain, routing), (sent, at, introduction) => {
      const frames = sent.map((payload) => frame(Buffer.from(payload)));
      const received = pieces(Buffer.concat([introduction, ...frames]), at).flatMap(createFrameReader());
      expect(received.map((payload) => [...payload])).toEqual(sent.map((payload) => [...payload]));
    }),
  );
});

test("a frame, or routing data, of more than 1 MB is refused as soon as its length is known", () => {
  const length = Buffer.from([0x10, 0x00, 0x01]);
  const read = createFrameReader();
  expect(read(Buffer.concat([plain, frame(Buffer.alloc(frameBytesMax))]))).toHaveLength(1);
  expect(() => read(length)).toThrow("a frame of more than 1048576 bytes");
  expect(() => createFrameReader()(Buffer.concat([routing.subarray(0, 4), length]))).toThrow(
    "a frame of more",
  );
});

test("a stream without the introduction is refused", () => {
  expect(() => createFrameReader()(Buffer.from("GET / HTTP/1.1"))).toThrow("not a WhatsApp client");
});

function pieces(bytes: Buffer, at: number[]): Buffer[] {
  const ends = [...new Set([...at.filter((end) => end < bytes.length), bytes.length])].sort((a, b) => a - b);
  return ends.map((end, index) => bytes.subarray(ends[index - 1] ?? 0, end));
}
