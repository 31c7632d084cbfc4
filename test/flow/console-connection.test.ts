import { readFile } from "node:fs/promises";
import { expect, test, vi } from "vitest";
import { serveFunctions } from "#functions/platforms/node/serve.ts";
import { createLog } from "#shared/log.ts";
import { eventually } from "../support/eventually.ts";
import { apiKey, startSystem } from "../support/system.ts";
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

/** A browser, a server, a connector and a simulated WhatsApp share the machine with other tests. */
vi.setConfig({ testTimeout: 90_000 });

const withPage = fileBrowser();

test("a page without Socket.io says that it has no live connection, and links and sends over HTTP", async () => {
  await using system = await startSystem();
  await using functions = await serveFunctions(system.config, createLog("silent"));
  await withPage({ baseURL: functions.url }, async (page) => {
    await page.goto("/");
    await page.getByLabel("API key").fill(apiKey);
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.getByText("No live connection: /socket.io/ must reach a connector").waitFor();
    await createChannel(page, "Apart");
    await page.getByRole("button", { name: "Connect", exact: true }).click();
    const qr = page.getByRole("img", { name: "QR code" });
    await eventually(() => qr.evaluate<boolean, { naturalWidth: number }>((it) => it.naturalWidth > 0));
    await system.sandbox.account(phoneNumber).scan(await shownQr(system));
    await statusOf(page, "Active");
    await sendText(page, contactNumber, "Without a socket");
    await system.sandbox.account(contactNumber).waitForMessage();
    await page.getByRole("listitem").filter({ hasText: "Without a socket" }).getByText("sent").waitFor();
  });
});

test("the page shows that the server is unreachable, and updates once it is reachable again", async () => {
  await using system = await startSystem();
  system.config.port = Number(new URL(system.url).port);
  await withPage({ baseURL: system.url }, async (page) => {
    await signIn(page);
    await createChannel(page, "Before");
    await system.stop();
    await page.getByText("Reconnecting…").waitFor();
    await sendText(page, contactNumber, "Hello");
    await page.getByText("unreachable").waitFor();
    expect(await page.getByLabel("Message", { exact: true }).inputValue()).toBe("Hello");
    await system.collections.channels.updateOne({ name: "Before" }, { $set: { name: "After" } });
    await system.start();
    await page.getByText("Live", { exact: true }).waitFor();
    await page.getByRole("heading", { level: 1, name: "After" }).waitFor();
    await page.getByRole("button", { name: "Connect", exact: true }).click();
    await page.getByRole("img", { name: "QR code" }).waitFor();
  });
});

test("the example page, which authenticates once, hears its channel again after a restart, without a cookie", async () => {
  await using system = await startSystem();
  system.config.port = Number(new URL(system.url).port);
  const created = await system.api().post("/channels", { name: "Example" });
  const { channelId } = created.body.payload;
  const html = await readFile(new URL("seed-page.txt", import.meta.url), "utf8");
  const body = html.replace("your-channel-id", channelId).replace("your-api-key", apiKey);
  await withPage({ baseURL: system.url }, async (page) => {
    await page.route("**/example.html", (route) => route.fulfill({ contentType: "text/html", body }));
    await page.goto("/example.html");
    await page.getByText("Status: inactive").waitFor();
    await system.stop();
    await system.start();
    await system.api().post(`/channels/${channelId}/connect`, {});
    await page.getByText("Status: qr_ready").waitFor();
    await page.locator("#qr-code[src^='data:image/png']").waitFor();
  });
});

test("the example page in `seed-page.txt` works as written for a signed-in user", async () => {
  await using system = await startSystem();
  const created = await system.api().post("/channels", { name: "Example" });
  const { channelId } = created.body.payload;
  const html = await readFile(new URL("seed-page.txt", import.meta.url), "utf8");
  await withPage({ baseURL: system.url }, async (page) => {
    await page.route("**/example.html", (route) =>
      route.fulfill({ contentType: "text/html", body: html.replace("your-channel-id", channelId) }),
    );
    await signIn(page);
    await page.goto("/example.html");
    await page.getByText("Status: inactive").waitFor();
    await page.getByRole("button", { name: "Connect", exact: true }).click();
    await page.locator("#qr-code[src^='data:image/png']").waitFor();
    await page.getByText("Status: qr_ready").waitFor();
    await system.sandbox.account(phoneNumber).scan(await shownQr(system));
    await page.getByText("Status: active").waitFor();
    await page.locator("#qr-section").waitFor({ state: "hidden" });
    await page.locator("#phone").fill(`${contactNumber}@s.whatsapp.net`);
    await page.locator("#message").fill("Hello from the example");
    await page.getByRole("button", { name: "Send" }).click();
    const received = await system.sandbox.account(contactNumber).waitForMessage();
    expect(received).toMatchObject({ text: "Hello from the example", copies: 1 });
  });
});
