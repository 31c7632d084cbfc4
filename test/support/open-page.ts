import { type Browser, chromium, type Page } from "playwright-core";
import { findChromium } from "./chromium.ts";

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

async function launch(): Promise<Browser> {
  const { executablePath, env } = await findChromium();
  // A container runs as root, where Chromium's own sandbox refuses to start.
  return chromium.launch({ executablePath, env, args: ["--no-sandbox"], headless: true });
}
