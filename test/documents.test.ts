import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { table } from "../connector/transition-table.ts";
import { settings } from "../shared/settings.ts";

const read = (path: string) => readFile(new URL(`../${path}`, import.meta.url), "utf8");

test("ARCHITECTURE has the transition table as it is", async () => {
  const rows = Object.entries(table).map(([state, row]) => {
    const cells = Object.values(row).map((transition) => transition?.name ?? "–");
    return `| \`${state}\` | ${cells.join(" | ")} |`;
  });
  expect(await read("ARCHITECTURE.md")).toContain(rows.join("\n"));
});

test(".env.example lists every setting, and no other", async () => {
  const named = [...(await read(".env.example")).matchAll(/^#?([A-Z][A-Z_]+)=/gm)].map(([, name]) => name);
  expect(named.toSorted()).toEqual(Object.keys(settings).toSorted());
});

test("the defaults in .env.example are the defaults", async () => {
  const text = await read(".env.example");
  for (const name of [
    "PORT",
    "SEND_RATE",
    "SEND_BURST",
    "SEND_TTL_SECONDS",
    "MEDIA_MAX_MB",
    "MAX_CHANNELS",
  ] as const) {
    expect(text, name).toContain(`${name}=${settings[name].parse(undefined)}\n`);
  }
});

test("every file that the documents name is there", async () => {
  const documents = [
    "README.md",
    "ARCHITECTURE.md",
    "CONTRIBUTING.md",
    "docs/sandbox.md",
    "docs/database.md",
  ];
  for (const document of documents) {
    const text = await read(document);
    const folder = document.includes("/") ? "docs/" : "";
    const links = [...text.matchAll(/\]\((?!https?:)([^)#]+)/g)].map(([, path]) => `${folder}${path}`);
    const paths = [...text.matchAll(/`((?:test|connector|functions|infra|shared)\/[\w./-]+)`/g)].map(
      ([, path]) => path,
    );
    for (const path of [...links, ...paths]) {
      expect(existsSync(new URL(`../${path}`, import.meta.url)), `${document}: ${path}`).toBe(true);
    }
  }
});

test("README names commands that exist", async () => {
  const { scripts } = JSON.parse(await read("package.json")) as { scripts: Record<string, string> };
  const named = [...(await read("README.md")).matchAll(/npm run (\w+)/g)].map(([, name]) => name ?? "");
  expect(named.filter((name) => !(name in scripts))).toEqual([]);
});
