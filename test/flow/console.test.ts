import type { Page } from "playwright-core";
import { expect, test, vi } from "vitest";
import { eventually } from "../support/eventually.ts";
import { serveFile } from "../support/served-file.ts";
import { apiKey, type OneProcess, startSystem } from "../support/system.ts";
import {
  contactNumber,
  createChannel,
  fileBrowser,
  phoneNumber,
  sendText,
  shownQr,
  signIn,
  statusOf,
} from "./console-page.fixture.ts";

/** A PNG of one pixel. */
const pixel =
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==";

/** A browser, a server, a connector and a simulated WhatsApp share the machine with other tests. */
vi.setConfig({ testTimeout: 90_000 });

const withPage = fileBrowser();

test("a person signs in, pairs by QR, sends, receives, sees statuses, and logs out", async () => {
  await using system = await startSystem();
  const contact = system.sandbox.account(contactNumber);
  await withPage({ baseURL: system.url }, async (page) => {
    await signIn(page);
    await createChannel(page, "Shop");
    await page.getByRole("button", { name: "Connect", exact: true }).click();
    await page.getByRole("img", { name: "QR code" }).waitFor();
    await page.getByText(/Code 1 of 6 · new one in \d+/).waitFor();
    await system.sandbox.account(phoneNumber).scan(await shownQr(system));
    await statusOf(page, "Active");
    await page.getByText(`+${phoneNumber}`).first().waitFor();

    await sendText(page, contactNumber, "Hello from the console");
    const received = await contact.waitForMessage();
    expect(received).toMatchObject({ text: "Hello from the console", from: phoneNumber, copies: 1 });
    const own = page.getByRole("listitem").filter({ hasText: "Hello from the console" });
    await own.getByText("delivered").waitFor();
    contact.markRead(received.id);
    await own.getByText(/✓✓ read$/).waitFor();

    await contact.sendText(phoneNumber, "<b>Hi</b> back");
    const answer = page.getByRole("listitem").filter({ hasText: "<b>Hi</b> back" });
    await answer.getByText(`From +${contactNumber}`).waitFor();
    await answer.getByRole("button", { name: "Reply" }).click();
    expect(await page.getByLabel("To").inputValue()).toBe(`+${contactNumber}`);

    await page.getByRole("button", { name: "Disconnect" }).click();
    await page.getByText("A phone that is linked stays linked").waitFor();
    await page.getByRole("button", { name: "Connect", exact: true }).click();
    await statusOf(page, "Active");

    await page.getByRole("button", { name: "Log out" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByText("This unlinks the phone").waitFor();
    await dialog.getByRole("button", { name: "Log out" }).click();
    await statusOf(page, "Logged out");
    expect(system.sandbox.account(phoneNumber).devices()).toEqual([]);
  });
});

test("an image is sent by URL, and a validation error shows beside its field", async () => {
  await using image = await serveFile(Buffer.from(pixel, "base64"), "image/png");
  await using system = await startSystem({ config: { mediaAllowHosts: [image.host] } });
  await withPage({ baseURL: system.url }, async (page) => {
    await signIn(page);
    await createChannel(page, "Pictures");
    await linkByCode(page, system);

    await sendText(page, "not a number", "Hello");
    const to = page.getByLabel("To");
    await page.getByText("must be a phone number").waitFor();
    expect(await to.getAttribute("aria-invalid")).toBe("true");
    expect(await page.getByLabel("Message", { exact: true }).inputValue()).toBe("Hello");

    await to.fill(contactNumber);
    await page.getByLabel("Type").selectOption("image");
    const address = page.getByLabel("File URL");
    await page.getByRole("button", { name: "sample picture" }).click();
    expect(await address.inputValue()).toBe(`${system.sandbox.adminUrl}/sample.png`);
    await address.fill(image.url);
    await page.getByLabel("Caption").fill("Look at this");
    await page.getByRole("button", { name: "Send" }).click();
    const received = await system.sandbox.account(contactNumber).waitForMessage();
    expect(received.media).toMatchObject({ kind: "image", caption: "Look at this", bytes: image.body });
    await page.getByRole("listitem").filter({ hasText: "Look at this" }).getByText("delivered").waitFor();

    await page.getByLabel("File URL").fill("http://127.0.0.1:1/secret");
    await page.getByRole("button", { name: "Send" }).click();
    await page.getByText("must use port 80 or 443").waitFor();
    expect(await page.getByLabel("File URL").getAttribute("aria-invalid")).toBe("true");
    expect(await page.getByText("invalid_request").count()).toBe(0);
  });
});

test("the event log stays at its end through new messages and resizing, unless the user scrolled up", async () => {
  await using system = await startSystem();
  const contact = system.sandbox.account(contactNumber);
  await withPage({ baseURL: system.url, viewport: { width: 1280, height: 800 } }, async (page) => {
    await signIn(page);
    await createChannel(page, "Busy");
    await linkByCode(page, system);
    const lines = Array.from({ length: 15 }, (_, index) => `Line ${index}, long enough to wrap when narrow`);
    for (const line of lines) await contact.sendText(phoneNumber, line);
    await page.getByText("Line 14").waitFor();
    const toEnd = "(it => it.scrollHeight - it.scrollTop - it.clientHeight)(document.querySelector('.log'))";
    const isAtEnd = () => eventually(async () => Number(await page.evaluate(toEnd)) < 2);
    await isAtEnd();
    await page.setViewportSize({ width: 390, height: 800 });
    await isAtEnd();
    await page.setViewportSize({ width: 1280, height: 800 });
    await isAtEnd();
    await page.evaluate("document.querySelector('.log').scrollTo(0, 0)");
    await eventually(async () => Number(await page.evaluate(toEnd)) > 100);
    await contact.sendText(phoneNumber, "While scrolled up");
    await page.getByText("While scrolled up").waitFor();
    expect(Number(await page.evaluate(toEnd))).toBeGreaterThan(100);
  });
});

test("the page stores no API key, refuses a wrong one, and ends its session on sign-out", async () => {
  await using system = await startSystem();
  await withPage({ baseURL: system.url }, async (page) => {
    await page.goto("/");
    await page.getByText("Unofficial").waitFor();
    await page.getByLabel("API key").fill("wrong_key_0123456789abcdefghi");
    await page.keyboard.press("Enter");
    await page.getByText("invalid_api_key").waitFor();
    await signIn(page);
    const kept =
      "JSON.stringify([document.cookie, {...localStorage}, {...sessionStorage}, document.documentElement.outerHTML])";
    expect(await page.evaluate(kept)).not.toContain(apiKey);
    const [cookie] = await page.context().cookies();
    expect(cookie).toMatchObject({ httpOnly: true, sameSite: "Strict", path: "/" });
    expect(cookie?.value).not.toContain(apiKey);

    const sandbox = page.getByRole("link", { name: "Simulated phone" });
    expect(await sandbox.getAttribute("href")).toBe(system.sandbox.adminUrl);

    await page.reload();
    await page.getByText("No channels yet").waitFor();
    await page.getByRole("button", { name: "Sign out" }).click();
    await page.getByLabel("API key").waitFor();
    await page.reload();
    await page.getByLabel("API key").waitFor();
  });
});

test("the console works by keyboard alone, at phone width and in dark mode", async () => {
  await using system = await startSystem();
  const options = {
    baseURL: system.url,
    viewport: { width: 360, height: 740 },
    colorScheme: "dark",
  } as const;
  await withPage(options, async (page) => {
    await page.goto("/");
    await page.getByLabel("API key").waitFor();
    await page.keyboard.type(apiKey);
    await page.keyboard.press("Enter");
    await page.getByText("No channels yet").waitFor();
    await focus(page, "New channel");
    await page.keyboard.press("Enter");
    await page.getByRole("dialog").waitFor();
    await page.keyboard.type("A name that is long enough to need more than one line on a small phone");
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { level: 1, name: "A name" }).waitFor();
    await focus(page, "Connect");
    await page.keyboard.press("Space");
    await page.getByRole("img", { name: "QR code" }).waitFor();
    expect(await page.evaluate("document.documentElement.scrollWidth")).toBe(360);
    await focus(page, "Delete…");
    await page.keyboard.press("Enter");
    await page.getByRole("dialog").waitFor();
    await page.keyboard.press("Escape");
    // A hidden dialog has no role, but the page has not handled its closing until the element is detached.
    await page.locator("dialog").waitFor({ state: "detached" });
    await page.keyboard.press("Enter");
    await focus(page, "Delete channel");
    await page.keyboard.press("Enter");
    await page.getByText("No channels yet").waitFor();
  });
});

async function linkByCode(page: Page, system: OneProcess): Promise<void> {
  await page.getByRole("button", { name: "Link with a code" }).click();
  await page.getByLabel("Phone number").fill(`+${phoneNumber}`);
  await page.getByRole("button", { name: "Get a code" }).click();
  await page.getByText(/Expires in/).waitFor();
  const code = (await page.getByRole("status", { name: "Pairing code" }).textContent()) ?? "";
  expect(code).toMatch(/^\w{4}-\w{4}$/);
  await system.sandbox.account(phoneNumber).typeCode(code.replace("-", ""));
  await statusOf(page, "Active");
}

/** Presses Tab until the button with this label has focus. */
async function focus(page: Page, name: string): Promise<void> {
  const focused = "document.activeElement?.textContent";
  for (let presses = 0; presses < 30; presses += 1) {
    if ((await page.evaluate(focused)) === name) return;
    await page.keyboard.press("Tab");
  }
  throw new Error(`no ${name} within 30 presses of Tab`);
}
