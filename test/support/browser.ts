import { mkdir, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import chromium from "@sparticuz/chromium";
import { type Browser, chromium as driver, type Page } from "playwright-core";
import { eventually } from "./eventually.ts";

const unpackingMs = 60_000;

/** A page of a real Chromium, closed with it on disposal. */
export interface OpenPage extends AsyncDisposable {
  page: Page;
  /** Uncaught errors and console errors of the page: a test that is happy with it expects none. */
  errors: string[];
}

/** Opens `address` in a Chromium of its own, at phone width unless told otherwise. */
export async function openPage(
  address: string,
  viewport: { width: number; height: number } = { width: 390, height: 844 },
): Promise<OpenPage> {
  const browser = await launch();
  const page = await browser.newPage({ viewport });
  const errors: string[] = [];
  page.on("pageerror", (error) => errors.push(error.message));
  page.on("console", (message) => message.type() === "error" && errors.push(message.text()));
  await page.goto(address);
  return { page, errors, [Symbol.asyncDispose]: () => browser.close() };
}

/** In one process, as the package would have it for serverless, Chromium dies with its first page. */
async function launch(): Promise<Browser> {
  const args = chromium.args.filter((arg) => arg !== "--single-process" && arg !== "--no-zygote");
  return driver.launch({ executablePath: await unpacked(), args, headless: true });
}

/**
 * Where Chromium lies, unpacked at first use. One test file at a time: another would take the half-written
 * file of the first for the finished one. A lock older than a minute was left by a process that was killed.
 */
async function unpacked(): Promise<string> {
  const lock = join(tmpdir(), "waypost-chromium.lock");
  await eventually(
    async () => {
      const age = Date.now() - (await stat(lock).catch(() => ({ mtimeMs: Date.now() }))).mtimeMs;
      if (age > unpackingMs) await rm(lock, { recursive: true, force: true });
      await mkdir(lock);
      return true;
    },
    { withinMs: 2 * unpackingMs, everyMs: 100 },
  );
  try {
    return await chromium.executablePath();
  } finally {
    await rm(lock, { recursive: true, force: true });
  }
}
