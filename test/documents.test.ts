import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { table } from "#connector/machine/transition-table.ts";
import { commandTypes } from "#shared/commands.ts";
import { indexes } from "#shared/indexes.ts";
import { settings } from "#shared/settings.ts";
import { node } from "./support/runtime.ts";

const read = (path: string) => readFile(new URL(`../${path}`, import.meta.url), "utf8");

test("docs/internals/channel-machine.md shows the transition table of the code", async () => {
  const rows = Object.entries(table).map(([state, row]) => {
    const cells = Object.values(row).map((transition) => transition?.name ?? "–");
    return `| \`${state}\` | ${cells.join(" | ")} |`;
  });
  const text = await read("docs/internals/channel-machine.md");
  expect(text, "replace the rows of its table by these").toContain(rows.join("\n"));
});

test(".env.example lists every setting, and nothing else", async () => {
  const named = [...(await read(".env.example")).matchAll(/^#?([A-Z][A-Z_]+)=/gm)].map(([, name]) => name);
  expect(named.toSorted()).toEqual(Object.keys(settings).toSorted());
});

test(".env.example shows the default of every setting that has one", async () => {
  const text = await read(".env.example");
  const shown = new Map([...text.matchAll(/^#?([A-Z_]+)=(.*)$/gm)].map(([, name, value]) => [name, value]));
  for (const [name, setting] of Object.entries(settings)) {
    const fallback = setting.parse(undefined);
    // An empty list has no text to show.
    if (fallback !== undefined && !Array.isArray(fallback)) expect(shown.get(name), name).toBe(`${fallback}`);
  }
});

test("docs/database.md lists every command type, and nothing else", async () => {
  const rows = /\| type \| payload \|\n((?:\|.*\n)+)/.exec(await read("docs/database.md"))?.[1] ?? "";
  const cells = rows.split("\n").map((row) => row.split("|")[1] ?? "");
  const listed = cells.flatMap((cell) => [...cell.matchAll(/`([\w.]+)`/g)].map(([, type]) => type));
  expect(listed.toSorted()).toEqual(commandTypes.toSorted());
});

test("docs/database.md says of every collection how long it is kept", async () => {
  const table = /\| collection \| plain .*\n((?:\|.*\n)+)/.exec(await read("docs/database.md"))?.[1] ?? "";
  const rows = table.split("\n").map((row) => row.split("|").map((cell) => cell.trim()));
  const kept = new Map(rows.map((cells) => [cells[1]?.replaceAll("`", "") ?? "", cells[4] ?? ""]));
  const wanted = indexes({ eventsDays: 1_001, messagesDays: 1_002 });
  const periods = new Map([
    [0, "until it expires"],
    [3_600, "1 hour"],
    [86_400, "24 hours"],
    [7 * 86_400, "7 days"],
    [1_001 * 86_400, "`RETENTION_DAYS_EVENTS`"],
    [1_002 * 86_400, "`RETENTION_DAYS_MESSAGES`"],
  ]);
  for (const [name, itsIndexes] of Object.entries(wanted)) {
    const lifetime = itsIndexes.find(({ expireAfterSeconds }) => expireAfterSeconds !== undefined);
    const seconds = lifetime?.expireAfterSeconds;
    if (seconds === undefined) expect(kept.get(name), name).toMatch(/^until /);
    else expect(kept.get(name), name).toContain(periods.get(seconds));
    kept.delete(name);
  }
  expect([...kept.keys()].filter((name) => name !== "" && !name.startsWith("-"))).toEqual([]);
});

test("every file and folder that the documents name exists", async () => {
  const documents = [
    "README.md",
    "ARCHITECTURE.md",
    "CONTRIBUTING.md",
    "docs/sandbox.md",
    "docs/database.md",
    "docs/internals/baileys.md",
    "docs/internals/bounds.md",
    "docs/internals/channel-machine.md",
    "docs/internals/failures.md",
    "docs/internals/replies.md",
    "docs/internals/socket-io.md",
  ];
  for (const document of documents) {
    const text = await read(document);
    const folder = document.slice(0, document.lastIndexOf("/") + 1);
    const links = [...text.matchAll(/\]\((?!https?:)([^)#]+)/g)].map(([, path]) => `${folder}${path}`);
    const paths = [...text.matchAll(/`((?:test|connector|functions|infra|shared)\/[\w./-]+)`/g)].map(
      ([, path]) => path,
    );
    for (const path of [...links, ...paths]) {
      expect(existsSync(new URL(`../${path}`, import.meta.url)), `${document}: ${path}`).toBe(true);
    }
  }
});

test("every script that serves gives Node the same flags, and the changelog names them", async () => {
  const { scripts } = JSON.parse(await read("package.json")) as { scripts: Record<string, string> };
  const serving = ["start", "sandbox", "demo", "functions", "connector"];
  const flags = serving.map((name) => /^exec node (.*) --import /.exec(scripts[name] ?? "")?.[1]);
  expect(new Set(flags)).toEqual(new Set(node.args));
  expect(await read("CHANGELOG.md")).toContain(`\`${flags[0]}\``);
});

test.each(["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "docs/sandbox.md"])(
  "%s names only npm scripts that exist",
  async (document) => {
    const { scripts } = JSON.parse(await read("package.json")) as { scripts: Record<string, string> };
    const named = [...(await read(document)).matchAll(/npm run ([\w-]+)/g)].map(([, name]) => name ?? "");
    expect(named.filter((name) => !(name in scripts))).toEqual([]);
  },
);
