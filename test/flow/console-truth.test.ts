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

test("messages of every kind, edits, reactions and deletions show where they belong", async () => {
  await using system = await startSystem();
  await withPage({ baseURL: system.url }, async (page) => {
    await signIn(page);
    await createChannel(page, "Shop");
    await link(page, system);
    const contact = system.sandbox.account(contactNumber);
    await contact.sendMessage(phoneNumber, {
      pollCreationMessageV3: {
        name: "When?",
        options: [{ optionName: "Monday" }, { optionName: "Tuesday" }],
      },
    });
    await contact.sendMessage(phoneNumber, {
      locationMessage: { degreesLatitude: 52.5, degreesLongitude: 13.4 },
    });
    const { id } = await contact.sendText(phoneNumber, "Hi");
    const key = { remoteJid: `${phoneNumber}@s.whatsapp.net`, fromMe: true, id };
    const editing = { type: 14, key, editedMessage: { conversation: "Hello" } };
    await contact.sendMessage(phoneNumber, { protocolMessage: editing });
    await contact.sendMessage(phoneNumber, { reactionMessage: { key, text: "👍" } });
    const group = contact.createGroup("Neighbours", [phoneNumber]);
    const said = await contact.sendText(group.id, "To all");
    const inGroup = { remoteJid: group.id, fromMe: true, id: said.id };
    await contact.sendMessage(group.id, { protocolMessage: { type: 0, key: inGroup } });
    const line = (text: string) => page.getByRole("listitem").filter({ hasText: text });
    await line("When?").getByText("poll · Monday / Tuesday").waitFor();
    await line("location · 52.5, 13.4").waitFor();
    await line("Hello").filter({ hasText: "edited" }).getByText("👍").waitFor();
    await line("To all")
      .filter({ hasText: `in ${group.id}` })
      .filter({ hasText: "deleted" })
      .waitFor();
    expect(await line("To all").getByRole("button", { name: "Reply" }).count()).toBe(0);
  });
});
