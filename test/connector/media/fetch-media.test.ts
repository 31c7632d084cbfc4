import { readdir, readFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { createDiskBudget } from "#connector/media/disk-budget.ts";
import { fetchMedia } from "#connector/media/fetch-media.ts";
import type { FetchMediaOptions } from "#connector/media/fetched-media.ts";
import { temporaryFolder } from "#test/support/temporary-folder.ts";
import {
  type MediaServer,
  mediaServer,
  png,
  redirectsTo,
  resolver,
  sends,
  webp,
} from "./media-server.fixture.ts";

const never = new AbortController().signal;
let server: MediaServer;
let folder: Awaited<ReturnType<typeof temporaryFolder>>;

beforeAll(async () => {
  folder = await temporaryFolder();
  vi.stubEnv("TMPDIR", folder.path);
  server = await mediaServer({
    "/photo.png": sends(png, { "content-type": "text/html" }),
    "/disposed": sends(png, {
      "content-disposition": `attachment; filename="a.png"; filename*=UTF-8''caf%C3%A9.png`,
    }),
    "/text": sends("plain words", { "content-type": "text/plain; charset=utf-8" }),
    "/unknown": sends("plain words"),
    "/page": sends("<html></html>", { "content-type": "image/png" }),
    "/sticker": sends(webp),
    "/empty": sends(""),
    "/gzip": sends(png, { "content-encoding": "gzip" }),
    "/large": sends(Buffer.alloc(2_000, 1)),
    "/large-chunked": (_request, response) => {
      for (let chunk = 0; chunk < 20; chunk += 1) response.write(Buffer.alloc(100, 1));
      response.end();
    },
    "/cut": (_request, response) => {
      response.writeHead(200, { "content-length": "900" });
      response.write(png);
      setTimeout(() => response.destroy(), 20);
    },
    "/slow": (request, response) => {
      const timer = setInterval(() => response.write("x"), 10);
      request.on("close", () => clearInterval(timer));
    },
    "/silent": () => undefined,
    "/once": redirectsTo("/photo.png"),
    "/twice": redirectsTo("/once", 301),
    "/thrice": redirectsTo("/twice", 307),
    "/too-often": redirectsTo("/thrice", 308),
    "/loop": redirectsTo("/loop"),
    "/nowhere": redirectsTo("http://["),
    "/unsaid": (_request, response) => response.writeHead(302).end(),
    "/to-private": redirectsTo("http://10.0.0.1/secret"),
    "/to-metadata": redirectsTo("http://169.254.169.254/latest/meta-data"),
    "/to-file": redirectsTo("file:///etc/passwd"),
    "/to-other-port": redirectsTo(() => `http://127.0.0.1:${server.port + 1}/`),
    "/to-private-name": redirectsTo("http://inside.example/"),
    "/missing": (_request, response) => response.writeHead(404).end("no"),
    "/partial": (_request, response) => response.writeHead(206).end(png),
  });
});

afterAll(async () => {
  vi.unstubAllEnvs();
  await server[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

function get(path: string, kind: Parameters<typeof fetchMedia>[1], options: Partial<FetchMediaOptions> = {}) {
  const url = path.startsWith("/") ? server.url(path) : path;
  const budget = createDiskBudget(1_000);
  const defaults = { channelId: "one", bytesMax: 1_000, budget, allowHosts: [server.host], signal: never };
  return fetchMedia(url, kind, { ...defaults, ...options });
}

describe("fetched media", () => {
  test("matches byte for byte, has the type of its bytes, and is removed on disposal", async () => {
    let path: string;
    {
      await using media = await get("/photo.png", "image");
      expect(media).toMatchObject({ sizeBytes: png.length, mimetype: "image/png", fileName: "photo.png" });
      expect(await readFile(media.path)).toEqual(png);
      path = media.path;
    }
    await expect(readFile(path)).rejects.toMatchObject({ code: "ENOENT" });
  });

  test("has the name that the server gives it", async () => {
    await using media = await get("/disposed", "document");
    expect(media.fileName).toBe("café.png");
  });

  test.each([
    ["/text", "text/plain"],
    ["/unknown", "application/octet-stream"],
    ["/photo.png", "image/png"],
  ])("%s is accepted as a document of type %s", async (path, mimetype) => {
    await using media = await get(path, "document");
    expect(media.mimetype).toBe(mimetype);
  });

  test("is accepted as a sticker if it is WebP", async () => {
    await using media = await get("/sticker", "sticker");
    expect(media.mimetype).toBe("image/webp");
  });

  test("takes its size of the room on disk until disposal, and more room than it needs only while it arrives", async () => {
    const budget = createDiskBudget(1_000 + png.length, { waitMs: 200 });
    await using first = await get("/photo.png", "image", { budget });
    await using second = await get("/photo.png", "image", { budget });
    await expect(get("/photo.png", "image", { budget })).rejects.toThrow("all the room on disk");
    await second[Symbol.asyncDispose]();
    await using third = await get("/photo.png", "image", { budget });
    expect(third.sizeBytes).toBe(first.sizeBytes);
  });

  test("may be three redirects away", async () => {
    await using media = await get("/thrice", "image");
    expect(media.sizeBytes).toBe(png.length);
  });
});

describe("a failed fetch leaves no file behind:", () => {
  test("it gives all of its room on disk back", async () => {
    const budget = createDiskBudget(1_000, { waitMs: 200 });
    for (const path of ["/missing", "/large", "/cut", "/page"])
      await expect(get(path, "image", { budget })).rejects.toMatchObject({ name: "ServiceError" });
    await using media = await get("/photo.png", "image", { budget });
    expect(media.sizeBytes).toBe(png.length);
  });

  test.each([
    ["/page", "image", "media_type_mismatch"],
    ["/text", "video", "media_type_mismatch"],
    ["/photo.png", "sticker", "media_type_mismatch"],
    ["/photo.png", "voice", "media_type_mismatch"],
    ["/large", "document", "media_too_large"],
    ["/large-chunked", "document", "media_too_large"],
    ["/cut", "document", "media_unavailable"],
    ["/empty", "document", "media_unavailable"],
    ["/gzip", "document", "media_unavailable"],
    ["/missing", "image", "media_unavailable"],
    ["/partial", "image", "media_unavailable"],
    ["/too-often", "image", "media_unavailable"],
    ["/loop", "image", "media_unavailable"],
    ["/nowhere", "image", "media_unavailable"],
    ["/unsaid", "image", "media_unavailable"],
    ["/to-private", "image", "media_not_allowed"],
    ["/to-metadata", "image", "media_not_allowed"],
    ["/to-file", "image", "media_not_allowed"],
    ["/to-other-port", "image", "media_not_allowed"],
  ] as const)("%s as %s is %s", async (path, kind, code) => {
    await expect(get(path, kind)).rejects.toMatchObject({ name: "ServiceError", code });
    expect(await readdir(folder.path)).toEqual([]);
  });

  test.each(["/slow", "/silent"])("%s ends at the timeout", async (path) => {
    const slow = get(path, "document", { timeoutMs: 100 });
    await expect(slow).rejects.toMatchObject({ code: "media_unavailable" });
  });

  test("a server that refuses the connection is media_unavailable", async () => {
    await using gone = await mediaServer({});
    await gone[Symbol.asyncDispose]();
    const refused = get(gone.url("/"), "image", { allowHosts: [gone.host] });
    await expect(refused).rejects.toMatchObject({ code: "media_unavailable" });
  });

  test("an abort throws the signal's reason", async () => {
    const stop = new AbortController();
    const fetching = get("/silent", "document", { signal: stop.signal });
    setTimeout(() => stop.abort(new Error("draining")), 50);
    await expect(fetching).rejects.toThrow("draining");
  });
});

describe("a host name", () => {
  const named = "http://media.example/photo.png";

  test("with a private address is refused before anything is sent", async () => {
    const lookup = resolver(["127.0.0.1"]);
    const refused = get(named, "image", { lookup });
    await expect(refused).rejects.toMatchObject({ code: "media_not_allowed" });
  });

  test("with one private address among public ones is refused", async () => {
    const refused = get(named, "image", { lookup: resolver(["93.184.216.34", "::1"]) });
    await expect(refused).rejects.toMatchObject({ code: "media_not_allowed" });
  });

  test("is looked up once for a connection", async () => {
    const lookup = resolver(["127.0.0.1"], ["10.0.0.1"]);
    const url = `http://media.example:${server.port}/photo.png`;
    await using media = await get(url, "image", { lookup, allowHosts: ["media.example"] });
    expect(media.sizeBytes).toBe(png.length);
    expect(lookup.questions).toEqual(["media.example"]);
  });

  test("that a redirect leads to is refused if its address is private", async () => {
    const lookup = resolver(["192.168.1.1"]);
    const refused = get("/to-private-name", "image", { lookup });
    await expect(refused).rejects.toMatchObject({ code: "media_not_allowed" });
    expect(lookup.questions).toEqual(["inside.example"]);
  });

  test("without an address is media_unavailable", async () => {
    const refused = get(named, "image", { lookup: resolver([]) });
    await expect(refused).rejects.toMatchObject({ code: "media_unavailable" });
  });
});

describe("a hostile address is refused without a lookup:", () => {
  const hostile = [
    "",
    "photo.png",
    "//example.com/x",
    "file:///etc/passwd",
    "file://localhost/etc/passwd",
    "data:image/png;base64,AAAA",
    "blob:https://example.com/1",
    "javascript:alert(1)",
    "ftp://example.com/x",
    "gopher://example.com/_x",
    "ws://example.com/",
    "/etc/passwd",
    "C:\\Windows\\win.ini",
    "\\\\server\\share",
    "http://",
    "http://[",
    "http://user@example.com/",
    "http://user:pass@example.com/",
    "http://:pass@example.com/",
    "http://example.com:22/",
    "https://example.com:8443/",
    "http://example.com:65536/",
    "http://localhost/",
    "http://LOCALHOST/",
    "http://localhost./",
    "http://a.localhost/",
    "http://intranet/",
    "http://127.0.0.1/",
    "http://127.1/",
    "http://127.255.255.254/",
    "http://0/",
    "http://0.0.0.0/",
    "http://0x7f000001/",
    "http://0x7f.1/",
    "http://0177.0.0.1/",
    "http://2130706433/",
    "http://１２７.０.０.１/",
    "http://127。0。0。1/",
    "http://%31%32%37.0.0.1/",
    "http://10.1.2.3/",
    "http://172.16.0.1/",
    "http://172.31.255.255/",
    "http://192.168.0.1/",
    "http://169.254.169.254/latest/meta-data/",
    "http://100.64.0.1/",
    "http://192.0.0.1/",
    "http://192.0.2.1/",
    "http://198.18.0.1/",
    "http://224.0.0.1/",
    "http://240.0.0.1/",
    "http://255.255.255.255/",
    "http://[::]/",
    "http://[::1]/",
    "http://[::ffff:127.0.0.1]/",
    "http://[::ffff:7f00:1]/",
    "http://[::127.0.0.1]/",
    "http://[::a00:1]/",
    "http://[64:ff9b::7f00:1]/",
    "http://[64:ff9b::8.8.8.8]/",
    "http://[2002:7f00:1::]/",
    "http://[2001::1]/",
    "http://[fc00::1]/",
    "http://[fd12:3456::1]/",
    "http://[fe80::1]/",
    "http://[ff02::1]/",
    "http://[2001:db8::1]/",
  ];

  test.each(hostile)("%j", async (url) => {
    const lookup = resolver(["8.8.8.8"]);
    const refused = get(url, "image", { allowHosts: [], lookup });
    await expect(refused).rejects.toMatchObject({ code: "media_not_allowed" });
    expect(lookup.questions).toEqual([]);
  });
});
