import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { extname, join, relative, sep } from "node:path";
import type { Asset, AssetBody } from "#functions/assets.ts";
import { type ContentEncoding, contentEncodings } from "#shared/accept-encoding.ts";

const contentTypes: Record<string, string> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".json": "application/json",
  ".svg": "image/svg+xml",
  ".png": "image/png",
  ".ico": "image/x-icon",
  ".woff2": "font/woff2",
  ".txt": "text/plain; charset=utf-8",
};

/** How the build names what it compressed. */
const extensions: Record<ContentEncoding, string> = { br: ".br", gzip: ".gz" };

/**
 * Reads a folder of built files into memory, by path from its root. `x.js.br` and `x.js.gz` become encodings of `x.js`.
 * Empty when the folder does not exist.
 */
export async function readAssets(folder: string): Promise<Map<string, Asset>> {
  const files = await readdir(folder, { recursive: true, withFileTypes: true }).catch(noFiles);
  const bodies = await Promise.all(
    files
      .filter((file) => file.isFile())
      .map(async (file) => {
        const path = join(file.parentPath, file.name);
        const name = `/${relative(folder, path).split(sep).join("/")}`;
        return [name, toBody(await readFile(path))] as const;
      }),
  );
  return toAssets(new Map(bodies));
}

type Bodies = ReadonlyMap<string, AssetBody>;

function toAssets(bodies: Bodies): Map<string, Asset> {
  const assets = [...bodies].filter(([name]) => !isEncodedFile(name, bodies));
  return new Map(assets.map(([name, body]) => [name, toAsset(name, body, bodies)]));
}

/** Vite puts the files whose names depend on their content into `assets/`. */
function toAsset(name: string, body: AssetBody, bodies: Bodies): Asset {
  return {
    ...body,
    contentType: contentTypes[extname(name)] ?? "application/octet-stream",
    isImmutable: name.startsWith("/assets/"),
    encoded: encodedBodies(name, bodies),
  };
}

function encodedBodies(name: string, bodies: Bodies): Map<ContentEncoding, AssetBody> {
  const encoded = new Map<ContentEncoding, AssetBody>();
  for (const encoding of contentEncodings) {
    const body = bodies.get(`${name}${extensions[encoding]}`);
    if (body) encoded.set(encoding, body);
  }
  return encoded;
}

function isEncodedFile(name: string, bodies: Bodies): boolean {
  const extension = extname(name);
  return Object.values(extensions).includes(extension) && bodies.has(name.slice(0, -extension.length));
}

function toBody(content: Buffer<ArrayBuffer>): AssetBody {
  return {
    body: content,
    etag: `"${createHash("sha256").update(content).digest("base64url").slice(0, 22)}"`,
  };
}

function noFiles(error: unknown): [] {
  if (error instanceof Error && "code" in error && error.code === "ENOENT") return [];
  throw error;
}
