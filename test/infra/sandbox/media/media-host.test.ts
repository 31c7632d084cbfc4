import { createHash, randomBytes } from "node:crypto";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import {
  createAuthority,
  issueLoopbackCertificate,
  trustCertificate,
} from "#infra/sandbox/media/certificate.ts";
import { type MediaHost, startMediaHost } from "#infra/sandbox/media/media-host.ts";

const authority = await createAuthority("Media test CA");
const server = await issueLoopbackCertificate(authority);
let host: MediaHost;

beforeAll(() => trustCertificate(authority.certificate));
beforeEach(async () => {
  await host?.close();
  host = await startMediaHost({ server, blobBytesMax: 1000, totalBytesMax: 10_000 });
});
afterAll(() => host.close());

const hashOf = (bytes: Buffer) => createHash("sha256").update(bytes).digest("base64url");
const upload = (bytes: Buffer, name = hashOf(bytes), kind = "image") =>
  fetch(`https://${host.hostname}/mms/${kind}/${name}?auth=a&token=${name}`, {
    method: "POST",
    body: new Uint8Array(bytes),
  });

test.each(["image", "video", "document", "audio"])(
  "an uploaded %s can be downloaded, byte for byte",
  async (kind) => {
    const bytes = randomBytes(900);
    const place = (await (await upload(bytes, hashOf(bytes), kind)).json()) as {
      url: string;
      direct_path: string;
    };
    expect(place.url).toBe(`https://${host.hostname}${place.direct_path}`);
    expect(Buffer.from(await (await fetch(place.url)).arrayBuffer())).toEqual(bytes);
    expect(await host.get(place.direct_path)).toEqual(bytes);
    expect(host.counts).toMatchObject({ uploads: 1, downloads: 1 });
  },
);

test("a blob stored by a contact can be downloaded", async () => {
  const { url } = await host.put(Buffer.from("encrypted"));
  expect(await (await fetch(url)).text()).toBe("encrypted");
});

test("a part of a blob can be downloaded by range", async () => {
  const { url } = await host.put(Buffer.from("0123456789"));
  const part = await fetch(url, { headers: { range: "bytes=2-4" } });
  expect([part.status, part.headers.get("content-range"), await part.text()]).toEqual([
    206,
    "bytes 2-4/10",
    "234",
  ]);
  expect((await fetch(url, { headers: { range: "bytes=10-" } })).status).toBe(416);
});

test("an upload whose bytes do not match its name is refused and counted", async () => {
  const answer = await upload(Buffer.from("one"), hashOf(Buffer.from("other")));
  expect(answer.status).toBe(400);
  expect(host.counts).toMatchObject({ uploads: 0, mismatched: 1 });
});

test("a blob over the size limit is refused, one at the limit is not", async () => {
  expect((await upload(randomBytes(1000))).status).toBe(200);
  expect((await upload(randomBytes(1001))).status).toBe(413);
});

test("unknown paths and blobs are answered with 404", async () => {
  for (const path of ["/", "/v/short", `/v/${"a".repeat(43)}`, "/v/../../etc/passwd", "/mms/image/short"]) {
    expect((await fetch(`https://${host.hostname}${path}`)).status, path).toBe(404);
  }
  expect(
    (await fetch(`https://${host.hostname}/mms/image/short`, { method: "POST", body: "x" })).status,
  ).toBe(404);
});

test("an upload fault applies as often as requested, then uploads work again", async () => {
  host.faults.upload = { status: 503, times: 2 };
  const bytes = randomBytes(10);
  const statuses = [await upload(bytes), await upload(bytes), await upload(bytes)].map(
    (answer) => answer.status,
  );
  expect(statuses).toEqual([503, 503, 200]);
  expect(host.counts.failed).toBe(2);
});

test("a download fault applies as often as requested, and spares uploads", async () => {
  host.faults.download = { status: 410, times: 1 };
  const bytes = randomBytes(10);
  const { url } = (await (await upload(bytes)).json()) as { url: string };
  expect((await fetch(url)).status).toBe(410);
  expect((await fetch(url)).status).toBe(200);
});

test("closing the media host does not wait for a delayed request", async () => {
  const { url } = await host.put(Buffer.from("late"));
  host.faults.delayMs = 60_000;
  const pending = fetch(url).then(
    () => "answered",
    () => "cut off",
  );
  await new Promise((resolve) => setImmediate(resolve));
  await host.close();
  await host.close();
  expect(await pending).toBe("cut off");
});

test("the media host listens on another port if its own is taken", async () => {
  const port = Number(host.hostname.split(":")[1]);
  await using other = await startMediaHost({ server, port });
  expect(other.hostname).not.toBe(host.hostname);
  await host.close();
  await using again = await startMediaHost({ server, port });
  expect(again.hostname).toBe(`127.0.0.1:${port}`);
});
