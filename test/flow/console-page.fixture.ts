import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { afterAll, beforeAll } from "vitest";
import { startBrowser, withPage } from "../support/browser.ts";
import { eventually } from "../support/eventually.ts";
import { apiKey, type OneProcess } from "../support/system.ts";

export const phoneNumber = "15550000001";
export const contactNumber = "15550000002";

/** One browser for the tests of a file. Returns what runs a test's work on a page of a fresh profile. */
export function fileBrowser() {
  let browser: Browser;
  beforeAll(async () => {
    browser = await startBrowser();
  });
  afterAll(() => browser.close());
  return (options: BrowserContextOptions, work: (page: Page) => Promise<void>) =>
    withPage(browser, options, work);
}

export async function signIn(page: Page): Promise<void> {
  if (page.url() === "about:blank") await page.goto("/");
  await page.getByLabel("API key").fill(apiKey);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByText("Live", { exact: true }).waitFor();
}

export async function createChannel(page: Page, name: string): Promise<void> {
  await page.getByRole("button", { name: "New channel" }).click();
  await page.getByLabel("Name").fill(name);
  await page.getByRole("button", { name: "Create channel" }).click();
  await page.getByRole("heading", { level: 1, name }).waitFor();
}

export async function sendText(page: Page, to: string, text: string): Promise<void> {
  await page.getByLabel("To").fill(to);
  await page.getByLabel("Message", { exact: true }).fill(text);
  await page.keyboard.press("Enter");
}

/** Waits until the channel on the page has this status. */
export async function statusOf(page: Page, label: string): Promise<void> {
  await page
    .getByRole("region", { name: "Channel", exact: true })
    .getByText(label, { exact: true })
    .waitFor();
}

/** Waits until a QR code shows and resolves to its text. */
export function shownQr({ collections }: OneProcess): Promise<string> {
  return eventually(
    async () => (await collections.channels.findOne({ "pairing.kind": "qr" }))?.pairing?.text,
  );
}
