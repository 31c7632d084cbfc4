import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { expect } from "vitest";
import { settings } from "#shared/settings.ts";
import { Api } from "../support/api.ts";
import { type Child, startChild } from "../support/child.ts";
import { eventually } from "../support/eventually.ts";

const script = new URL("../../infra/main.ts", import.meta.url);
const shop = "15550100001";

/** This process's environment without the settings, so that mongod is found as in the other tests. */
const ambient = Object.fromEntries(
  Object.entries(process.env).flatMap(([name, value]) =>
    value === undefined || name in settings ? [] : [[name, value]],
  ),
);

/** `npm start` or, with `--sandbox`, `npm run sandbox`, on a data folder and on free ports. */
export function start(dataDir: string, args: string[], env: Record<string, string> = {}): Child {
  return startChild(script, args, {
    cwd: dataDir,
    env: { ...ambient, DATA_DIR: dataDir, PORT: "0", ...env },
  });
}

/** Waits until it is up; returns the addresses that it printed. */
export async function greeting(child: Child) {
  await child.prints(/Press Ctrl\+C to stop/);
  const url = /^Waypost: (http\S+)$/m.exec(child.out)?.[1] ?? "";
  return { url, phone: /^Simulated phone: (http\S+) /m.exec(child.out)?.[1] ?? "" };
}

/** Signals it and expects a clean exit within the promised 30 s. */
export async function end(child: Child, ...signals: NodeJS.Signals[]) {
  for (const signal of signals.length > 0 ? signals : ["SIGTERM" as const]) {
    child.signal(signal);
    await delay(5);
  }
  const code = await Promise.race([child.ended, delay(30_000, "still running", { ref: false })]);
  expect({ code, err: child.err }).toEqual({ code: 0, err: "" });
}

export async function keyIn(dataDir: string): Promise<string> {
  return (await readFile(join(dataDir, "sandbox", "api-key"), "utf8")).trim();
}

/** The pid of the sandbox's mongod. */
export async function serverOf(dataDir: string): Promise<number> {
  return Number(await readFile(join(dataDir, "sandbox", "mongodb", "mongod.lock"), "utf8"));
}

/** Calls the sandbox's API, which `docs/sandbox.md` describes. */
export async function ask(phone: string, path: string, body?: object) {
  const headers = { "content-type": "application/json" };
  const response = await fetch(`${phone}/api/${path}`, {
    ...(body ? { method: "POST", headers, body: JSON.stringify(body) } : {}),
  });
  return (await response.json()) as { ok: boolean; payload: Record<string, unknown> };
}

export async function pair(url: string, phone: string, key: string): Promise<string> {
  const api = new Api(url, key);
  const { body } = await api.post("/channels", { name: "Shop" });
  const { channelId } = body.payload;
  await api.post(`/channels/${channelId}/connect`);
  const qr = await eventually(async () => {
    const headers = { "x-api-key": key, accept: "text/plain" };
    const response = await fetch(`${url}/api/whatsapp/channels/${channelId}/qr`, { headers });
    return response.ok && response.text();
  });
  expect(await ask(phone, "scan", { phoneNumber: shop, qr })).toMatchObject({ ok: true });
  await becomesActive(api, channelId);
  return channelId;
}

export async function becomesActive(api: Api, channelId: string): Promise<void> {
  const status = async () => (await api.get(`/channels/${channelId}/status`)).body.payload;
  await eventually(async () => (await status()).isActive === true);
}
