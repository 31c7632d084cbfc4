import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startBrowser, withPage } from "#test/support/browser.ts";
import { eventually } from "#test/support/eventually.ts";
import { faultless, noFaults, textOf } from "./client.fixture.ts";
import { useSandbox } from "./sandbox.fixture.ts";

const channel = "15550100001";
const contact = "15550200001";
const fixture = useSandbox();
const phone = { viewport: { width: 390, height: 844 } };

let browser: Browser;
beforeAll(async () => {
  browser = await startBrowser();
});
afterAll(() => browser.close());

const section = (page: Page, name: string) => page.getByRole("region", { name });
const press = (page: Page, name: string | RegExp) => page.getByRole("button", { name, exact: true }).click();

test("a user links a device by a click, chats with it, applies a fault and unlinks it", async () => {
  const { sandbox } = fixture;
  const client = fixture.client();
  await withPage(browser, phone, async (page) => {
    await page.goto(sandbox.adminUrl);
    await section(page, "Link a device").getByText("No device is waiting to be linked").waitFor();

    client.connect();
    sandbox.offerQr(await eventually(() => client.qr));
    await press(page, "Scan");
    await client.closed(515);
    await client.open();
    await section(page, "Linked devices").getByText(", connected").waitFor();
    expect(sandbox.account(channel).devices()).toHaveLength(1);

    const chat = section(page, "Chat as a contact");
    await chat.getByRole("textbox", { name: "Message" }).fill("Hello from the page");
    await page.keyboard.press("Enter");
    await client.receive((message) => textOf(message) === "Hello from the page");
    await chat.getByText("✓✓ delivered").waitFor();

    const id = await client.send(`${contact}@s.whatsapp.net`, { text: "<b>Hello</b> from the channel" });
    await chat.getByText("<b>Hello</b> from the channel").waitFor();
    await press(page, "Mark read");
    await eventually(() => client.statusOf(id).includes(4));
    await chat.getByText("you read it").waitFor();

    await press(page, "503 unavailable, 3 times");
    await eventually(async () =>
      (await page.locator("#notice").textContent())?.includes("service unavailable"),
    );
    await press(page, "Clear all faults");
    await press(page, /^Unlink/);
    await client.closed(401);
    await section(page, "Linked devices").getByText("No phone has a linked device").waitFor();
    expect(faultless(sandbox)).toEqual(noFaults);
  });
});

test("a pairing code can be typed without its number, and a wrong one is reported", async () => {
  const { sandbox } = fixture;
  const client = fixture.client();
  await withPage(browser, phone, async (page) => {
    await page.goto(sandbox.adminUrl);
    client.connect();
    await eventually(() => client.qr);
    const code = await client.socket.requestPairingCode("15550100042");
    const field = page.getByLabel("Pairing code or QR text");
    await field.fill("AAAA-AAAA");
    await page.keyboard.press("Enter");
    await eventually(async () => (await page.locator("#notice").getAttribute("data-kind")) === "bad");
    expect(await page.locator("#notice").textContent()).toBe("Wrong pairing code.");
    await field.fill(`${code.slice(0, 4)}-${code.slice(4)}`.toLowerCase());
    await page.keyboard.press("Enter");
    await client.closed(515);
    await eventually(() => sandbox.account("15550100042").devices().length === 1);
  });
});

test("the phone page links back to the console once its address is known", async () => {
  const { sandbox } = fixture;
  await withPage(browser, phone, async (page) => {
    await page.goto(sandbox.adminUrl);
    await page.locator("#connection[data-kind=live]").waitFor();
    const link = page.getByRole("link", { name: "Console" });
    expect(await link.count()).toBe(0);
    sandbox.consoleUrl = "http://127.0.0.1:3000";
    await link.waitFor();
    expect(await link.getAttribute("href")).toBe("http://127.0.0.1:3000");
  });
});

test.each([
  [320, 640],
  [390, 844],
  [1280, 800],
])("the phone page fits %i × %i, and every control has a name", async (width, height) => {
  await withPage(browser, { viewport: { width, height } }, async (page) => {
    await page.goto(fixture.sandbox.adminUrl);
    await page.locator("#connection[data-kind=live]").waitFor();
    const widths = await page.evaluate("[document.documentElement.scrollWidth, innerWidth]");
    expect(widths).toEqual([width, width]);
    const nameless = await page.evaluate(
      "[...document.querySelectorAll('button,input,select')].filter((one) => !(one.textContent || one.labels?.length)).length",
    );
    expect(nameless).toBe(0);
  });
});
