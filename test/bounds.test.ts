import { existsSync, globSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { defaultTimings } from "#connector/timings.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const read = (path: string) => readFileSync(`${root}${path}`, "utf8");

/** The console runs in the reader's own browser, and the sandbox simulates what is outside. */
const sources = globSync("{connector,functions,shared,infra}/**/*.ts", { cwd: root }).filter(
  (file) => !/^(functions\/console|infra\/(sandbox|demo))\//.test(file),
);

/** The numbers that a file gives to constants and properties of this name, or to all whose name ends in `Max`. */
function valuesIn(file: string, name = "\\w+Max"): { name: string; value: number }[] {
  const text = read(file);
  const given = new RegExp(String.raw`\b(${name})(?:: \w+)?\s*[:=]\s*([\w *]+?)\s*[;,}\n]`, "g");
  const setting = new RegExp(String.raw`\b(${name}): \w+\(.*\)\.default\((\w+)\)`, "g");
  return [...text.matchAll(given), ...text.matchAll(setting)]
    .map(([, found = "", product = ""]) => ({ name: found, value: numberOf(product, file) }))
    .filter(({ value }) => !Number.isNaN(value));
}

/** `8 * 1024`, or a product that names other constants of the file, as a number. */
function numberOf(product: string, file: string): number {
  return product.split("*").reduce((all, factor) => all * factorOf(factor.trim(), file), 1);
}

function factorOf(factor: string, file: string): number {
  if (/^\d/.test(factor)) return Number(factor.replaceAll("_", ""));
  const [, product = ""] = new RegExp(`^(?:export )?const ${factor} = (.+);$`, "m").exec(read(file)) ?? [];
  return product ? numberOf(product, file) : Number.NaN;
}

const document = read("docs/internals/bounds.md");
const cellsOf = (line: string) => line.split("|").map((cell) => cell.trim());
const quoted = (cell: string) => [...cell.matchAll(/`([^`]+)`/g)].map(([, text = ""]) => text);

/** `| what | bound | beyond it | \`file\` \`constant\` | \`test\` |` */
const rows = document
  .split("\n")
  .map(cellsOf)
  .filter((cells) => cells.length === 7 && cells[4]?.startsWith("`"))
  .map(([, what = "", bound = "", beyond = "", place = "", shownBy = ""]) => {
    const [file = "", name = ""] = quoted(place);
    return { what, bound, beyond, file, name, shownBy };
  });

test("docs/internals/bounds.md has a row for every constant that ends in `Max`", () => {
  const isListed = (file: string, name: string) => rows.some((row) => row.file === file && row.name === name);
  const declared = sources.flatMap((file) => valuesIn(file).map(({ name }) => ({ file, name })));
  expect(declared.length).toBeGreaterThan(100);
  expect(
    declared.filter(({ file, name }) => !isListed(file, name)),
    "add these to docs/internals/bounds.md",
  ).toEqual([]);
});

test("every bound in docs/internals/bounds.md has the value that its constant has", () => {
  const isRight = ({ file, name, bound }: (typeof rows)[number]) =>
    existsSync(`${root}${file}`) && valuesIn(file, name).some(({ value }) => isWritten(bound, value));
  expect(rows.filter((row) => !isRight(row))).toEqual([]);
});

test("every bound in docs/internals/bounds.md says what happens beyond it, and names tests or says why nothing grows", () => {
  const isShown = ({ shownBy }: (typeof rows)[number]) => {
    const tests = quoted(shownBy);
    return tests.length > 0
      ? tests.every((path) => existsSync(`${root}${path}`))
      : /^– \(.{20,}\)$/.test(shownBy);
  };
  expect(rows.filter((row) => !isShown(row) || row.what === "" || row.beyond === "")).toEqual([]);
});

test("no cache allocates a slot for each of its entries at once, as `max` of `lru-cache` does", () => {
  const created = sources.flatMap((file) =>
    [...read(file).matchAll(/new LRUCache\b[^;]*/g)].map(([text]) => ({ file, text })),
  );
  expect(created.length).toBeGreaterThan(0);
  expect(created.filter(({ text }) => /\bmax[,:]/.test(text) || !/\bmaxSize\b/.test(text))).toEqual([]);
});

test("docs/internals/bounds.md has every duration and rate of a connector, with its default", () => {
  const { qrMs: _ofWhatsApp, backoff, ...timings } = defaultTimings;
  const defaults = new Map(
    document
      .split("\n")
      .map(cellsOf)
      .filter((cells) => cells.length === 5 && cells[1]?.startsWith("`"))
      .map(([, name = "", value = ""]) => [name.replaceAll("`", ""), value]),
  );
  expect([...defaults.keys()].toSorted()).toEqual(Object.keys(defaultTimings).toSorted());
  const wrong = Object.entries(timings).filter(
    ([name, value]) => !isWritten(defaults.get(name) ?? "", value),
  );
  expect(wrong).toEqual([]);
  for (const value of Object.values(backoff))
    expect(isWritten(defaults.get("backoff") ?? "", value)).toBe(true);
});

const units = [
  [1024 ** 2, "MiB"],
  [1024, "KiB"],
  [86_400_000, "d"],
  [3_600_000, "h"],
  [60_000, "min"],
  [1_000, "s"],
  [1, "ms"],
  // Of names that end in seconds.
  [3_600, "h"],
] as const;

/** Whether a cell states a number, as it is or in one of the units. */
function isWritten(cell: string, value: number): boolean {
  const plain = value.toLocaleString("en-GB");
  const rounded = units.map(([size, unit]) => `${(value / size).toLocaleString("en-GB")} ${unit}`);
  return [plain, `${value}`, ...rounded].some((text) => {
    const at = new RegExp(String.raw`(?<![\d.,])${text.replaceAll(".", "\\.")}(?![\d\w])`);
    return at.test(cell);
  });
}
