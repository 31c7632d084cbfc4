import type { Page } from "playwright-core";
import { expect, test, vi } from "vitest";
import { type OneProcess, startSystem } from "../support/system.ts";
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

async function link(page: Page, system: OneProcess): Promise<void> {
  await page.getByRole("button", { name: "Connect", exact: true }).click();
  await system.sandbox.account(phoneNumber).scan(await shownQr(system));
  await statusOf(page, "Active");
}

test("a message whose answer was lost is sent once, although the person sends it again", async () => {
  await using system = await startSystem();
  await withPage({ baseURL: system.url }, async (page) => {
    await signIn(page);
    await createChannel(page, "Shop");
    await link(page, system);
    let isLost = false;
    await page.route("**/send", async (route) => {
      if (isLost) return route.continue();
      isLost = true;
      await route.fetch();
      await route.abort();
    });
    await sendText(page, contactNumber, "Only once");
    await page.getByText("unreachable").waitFor();
    await page.getByRole("button", { name: "Send" }).dblclick();
    const own = page.getByRole("listitem").filter({ hasText: "Only once" });
    await own.getByText(/delivered/).waitFor();
    expect(await own.count()).toBe(1);
    expect(await system.collections.commands.countDocuments({ type: "message.send" })).toBe(1);
  });
});

test("a page without a network shows what it last knew, and says so", async () => {
  await using system = await startSystem();
  await withPage({ baseURL: system.url }, async (page) => {
    await signIn(page);
    await createChannel(page, "Shop");
    await link(page, system);
    await page.getByText("Connected.", { exact: true }).waitFor();
    await page.context().setOffline(true);
    await page.getByText("This browser is offline").waitFor();
    await page.getByText("This page has no connection to Waypost.").waitFor();
    await statusOf(page, "Last known: Active");
    expect(await page.getByText("Connected.", { exact: true }).count()).toBe(0);
    await page.context().setOffline(false);
    await page.getByText("Live", { exact: true }).waitFor();
    await page.getByText("Connected.", { exact: true }).waitFor();
  });
});

test("a channel that was stopped before it was linked is not said to be linked", async () => {
  await using system = await startSystem();
  await withPage({ baseURL: system.url }, async (page) => {
    await signIn(page);
    await createChannel(page, "Shop");
    await page.getByRole("button", { name: "Connect", exact: true }).click();
    await page.getByRole("img", { name: "QR code" }).waitFor();
    await page.getByRole("button", { name: "Cancel" }).click();
    await page.getByText("No phone is linked to it yet").waitFor();

    const banned = { status: "error", reason: "banned", lastStatusUpdate: new Date() } as const;
    await system.collections.channels.updateOne({ name: "Shop" }, { $set: banned });
    await page.reload();
    await page.getByText("WhatsApp has banned this account.").waitFor();
    expect(await page.getByRole("button", { name: "Connect", exact: true }).count()).toBe(0);
    await page.getByRole("button", { name: "Connect…" }).click();
    await page.getByText("WhatsApp has blocked this account").waitFor();
  });
});

test("a logout and a deletion that WhatsApp does not confirm are told as such", async () => {
  await using system = await startSystem();
  await withPage({ baseURL: system.url }, async (page) => {
    await signIn(page);
    await createChannel(page, "Shop");
    await link(page, system);
    system.sandbox.faults.ignoreQuery("md", { times: 100 });
    await page.getByRole("button", { name: "Log out" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByRole("button", { name: "Log out" }).click();
    await page.getByText("WhatsApp has not confirmed it yet").waitFor();
    await dialog.waitFor({ state: "detached" });
    expect(await page.getByText("No connector is running").count()).toBe(0);
    expect(await page.getByRole("button", { name: "Stop" }).count()).toBe(0);
    await page.getByRole("button", { name: "Delete…" }).click();
    await dialog.getByRole("button", { name: "Delete channel" }).click();
    await page.getByText("WhatsApp has not confirmed yet that its phone is unlinked").waitFor();
    await page.getByRole("button", { name: "Dismiss" }).click();
    await page.getByText("No channels yet").waitFor();
  });
});
