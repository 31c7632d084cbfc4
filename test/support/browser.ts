import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core";
import { expect } from "vitest";
import { findChromium } from "./chromium.ts";

const artifacts = fileURLToPath(new URL("../.artifacts", import.meta.url));

/** Limit for one step in the page, in milliseconds; pairing with the sandbox takes longest. */
const stepMs = 20_000;

/** Starts a headless Chromium. The caller closes it. */
export async function startBrowser(): Promise<Browser> {
  const { executablePath, env } = await findChromium();
  // A container has neither a user namespace for Chromium's own sandbox nor a graphics card.
  return await chromium.launch({ executablePath, env, args: ["--no-sandbox", "--disable-gpu"] });
}

/**
 * Runs `work` on a page with a fresh profile. An error thrown in the page, or a violation of its Content Security Policy,
 * fails the test. A failed test leaves a screenshot in `test/.artifacts/`.
 */
export async function withPage(
  browser: Browser,
  options: BrowserContextOptions,
  work: (page: Page) => Promise<void>,
): Promise<void> {
  await using context = await browser.newContext(options);
  context.setDefaultTimeout(stepMs);
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("console", (message) => {
    if (message.text().includes("Content Security Policy")) complaints.push(message.text());
  });
  try {
    await work(page);
    expect(complaints).toEqual([]);
  } catch (error) {
    await saveScreenshot(page);
    throw error;
  }
}

async function saveScreenshot(page: Page): Promise<void> {
  const name = (expect.getState().currentTestName ?? "page").replace(/[^a-z0-9]+/gi, "-");
  await mkdir(artifacts, { recursive: true });
  await page.screenshot({ path: join(artifacts, `${name}.png`), fullPage: true });
}
