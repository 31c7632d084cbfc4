import { readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { mp4 } from "../connector/media/containers.fixture.ts";
import { mediaServer, sends } from "../connector/media/media-server.fixture.ts";
import { Api } from "../support/api.ts";
import { eventually } from "../support/eventually.ts";
import { databaseFolder, temporaryFolder } from "../support/temporary-folder.ts";
import { ask, becomesActive, end, greeting, keyIn, pair, start } from "./main.fixture.ts";

/** Other users of the machine can read and change nothing that the product keeps, writes or starts. */

const contact = "15550100002";

/** The files and folders below a folder that other users may read or write. */
async function openTo(folder: string): Promise<string[]> {
  const paths = (await readdir(folder, { recursive: true })).map((name) => join(folder, name));
  const modes = await Promise.all(paths.map(async (path) => (await stat(path).catch(() => null))?.mode ?? 0));
  return paths.filter((_, index) => ((modes[index] ?? 0) & 0o077) !== 0);
}

test("attachments on their way out, and everything in the data folder, are closed to other users; a start removes what a killed one left", {
  timeout: 240_000,
}, async ({ skip }) => {
  if (process.platform === "win32") skip("Windows has no modes");
  await using folder = await databaseFolder();
  await using temporary = await temporaryFolder();
  const env = { TMPDIR: temporary.path };
  const attachments = async () =>
    (await readdir(temporary.path, { recursive: true })).filter((name) =>
      /media|-enc$|-original$/.test(name),
    );
  let channelId: string;
  {
    await using child = start(folder.path, ["--sandbox"], env);
    const { url, phone } = await greeting(child);
    const key = await keyIn(folder.path);
    channelId = await pair(url, phone, key);
    await ask(phone, "faults/media-delay", { delayMs: 60_000 });
    const headers = { prefer: "respond-async" };
    const mediaUrl = `${phone}/sample.png`;
    const media = { to: contact, mediaType: "image", mediaUrl };
    const { status } = await new Api(url, key).post(`/channels/${channelId}/send-media`, media, headers);
    expect(status).toBe(202);
    await eventually(async () => (await attachments()).some((name) => name.endsWith("-enc")));
    expect(await openTo(temporary.path)).toEqual([]);
    expect(await openTo(folder.path)).toEqual([]);
    await child.kill();
  }
  expect(await attachments()).not.toEqual([]);
  await using child = start(folder.path, ["--sandbox"], env);
  const { url } = await greeting(child);
  expect(await attachments()).toEqual([]);
  await becomesActive(new Api(url, await keyIn(folder.path)), channelId);
  await end(child);
  expect(await readdir(temporary.path)).toEqual([]);
});

test("no program that the product or Baileys starts gets a key that the product was given", {
  timeout: 120_000,
}, async ({ skip }) => {
  if (process.platform === "win32") skip("the stand-in program is a shell script");
  await using folder = await databaseFolder();
  await using programs = await temporaryFolder();
  const seen = join(programs.path, "seen");
  const script = `#!/bin/sh\n/usr/bin/env > "${seen}.new"\nmv "${seen}.new" "${seen}"\nexit 1\n`;
  await writeFile(join(programs.path, "ffmpeg"), script, { mode: 0o755 });
  await using server = await mediaServer({ "/clip.mp4": sends(mp4("isom", "vide")) });
  const secrets = {
    API_KEY: "a_key_that_no_child_may_get",
    ENCRYPTION_KEY: Buffer.alloc(32, 7).toString("base64"),
    AWS_SECRET_ACCESS_KEY: "of_another_program",
  };
  const path = `${programs.path}:${process.env.PATH}`;
  const env = { ...secrets, PATH: path, MEDIA_ALLOW_HOSTS: server.host };
  await using child = start(folder.path, ["--sandbox"], env);
  const { url, phone } = await greeting(child);
  // Only Linux shows the environment of a process.
  const environments = process.platform === "linux" ? await environmentsOfChildren(child.pid) : [];
  const channelId = await pair(url, phone, secrets.API_KEY);
  const media = { to: contact, mediaType: "video", mediaUrl: server.url("/clip.mp4") };
  const { body } = await new Api(url, secrets.API_KEY).post(`/channels/${channelId}/send-media`, media);
  expect(body.payload.status).toBe("sent");
  for (const environment of [...environments, await readFile(seen, "utf8")]) {
    expect(environment).toContain("PATH=");
    for (const secret of Object.values(secrets)) expect(environment).not.toContain(secret);
  }
  await end(child);
});

async function environmentsOfChildren(pid: number): Promise<string[]> {
  const pids = (await readFile(`/proc/${pid}/task/${pid}/children`, "utf8")).trim().split(" ");
  // mongod and its guard.
  expect(pids).toHaveLength(2);
  return await Promise.all(pids.map((child) => readFile(`/proc/${child}/environ`, "utf8")));
}
