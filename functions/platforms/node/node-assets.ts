import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { extname, join, relative, sep } from "node:path";
import type { Asset } from "#functions/assets.ts";

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

/** Reads a folder of built files into memory, by path from its root; empty when there is no such folder. */
export async function readAssets(folder: string): Promise<Map<string, Asset>> {
  const files = await readdir(folder, { recursive: true, withFileTypes: true }).catch(noFiles);
  const assets = await Promise.all(
    files
      .filter((file) => file.isFile())
      .map(async (file) => {
        const path = join(file.parentPath, file.name);
        const name = `/${relative(folder, path).split(sep).join("/")}`;
        return [name, toAsset(name, await readFile(path))] as const;
      }),
  );
  return new Map(assets);
}

/** Vite puts what it names by content into `assets/`. */
function toAsset(name: string, content: Buffer<ArrayBuffer>): Asset {
  return {
    body: content,
    contentType: contentTypes[extname(name)] ?? "application/octet-stream",
    etag: `"${createHash("sha256").update(content).digest("base64url").slice(0, 22)}"`,
    isImmutable: name.startsWith("/assets/"),
  };
}

function noFiles(error: unknown): [] {
  if (error instanceof Error && "code" in error && error.code === "ENOENT") return [];
  throw error;
}
