import { expect, test } from "vitest";
import { createSocketCaches } from "../../connector/auth/caches.ts";
import { WA_CERT_DETAILS } from "../../connector/baileys/baileys.ts";
import { createLine } from "../../connector/line.ts";
import type { Signal } from "../../connector/machine.ts";
import { defaultTimings } from "../../connector/timings.ts";
import { startSandbox } from "../../infra/sandbox/sandbox.ts";
import { eventually } from "../support/eventually.ts";
import { testDatabase } from "../support/test-database.ts";
import { open } from "./auth/auth-fixture.ts";
import { quiet } from "./connector-fixture.ts";

test("a stranger's account is told of before it is open, and nothing that it receives is handed on", async () => {
  await using sandbox = await startSandbox();
  await using database = await testDatabase();
  WA_CERT_DETAILS.PUBLIC_KEY = Buffer.from(sandbox.rootKey, "hex");
  await using auth = await open(database.db, { server: "sandbox" });
  const signals: Signal[] = [];
  const received: unknown[] = [];
  const of = (type: Signal["type"]) => signals.filter((signal) => signal.type === type);
  const line = createLine({
    auth,
    whatsapp: {
      server: { websocketUrl: sandbox.websocketUrl, rootKey: Buffer.from(sandbox.rootKey, "hex") },
      version: null,
    },
    caches: createSocketCaches(),
    timings: defaultTimings,
    getMessage: async () => undefined,
    turn: async () => undefined,
    inbox: {
      received: async (batch) => void received.push(batch),
      updated: () => undefined,
      idle: async () => undefined,
    },
    isOwner: () => true,
    isStranger: () => auth.linked(),
    signal: (signal) => void signals.push(signal),
    onError: (error) => {
      throw error;
    },
    ended: new AbortController().signal,
    log: quiet,
  });
  line.open();
  const [shown] = await eventually(() => (of("qr").length > 0 ? of("qr") : null));
  const stranger = sandbox.account("15550100341");
  await stranger.scan(shown?.type === "qr" ? shown.code.text : "");
  await eventually(() => of("closed").length > 0);
  line.open();
  // Twice: at the login, and when Baileys is done with it.
  await eventually(() => of("opened").length === 2);
  const { id } = await sandbox.account("15550100342").sendText(stranger.phoneNumber, "For the stranger only");
  expect(id).not.toBe("");
  const [device] = stranger.devices();
  await eventually(() => device && stranger.devices().every(({ queued }) => queued === 0));
  expect(received).toEqual([]);
  line.terminate();
});
