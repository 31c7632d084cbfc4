import { readdir, readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const repository = fileURLToPath(new URL("../..", import.meta.url));

/** A folder whose rooms ARCHITECTURE lists. A room is a folder in it, or a file of its own; `./` is the folder's other files. */
export interface House {
  folder: string;
  /** As ARCHITECTURE lists them, from the top to the ground. */
  rooms: string[];
  /** Each room's sentence, as ARCHITECTURE has it. */
  sentences: Record<string, string>;
  /** The rooms on disk. */
  found: string[];
  /** The sentence with which a file of each room opens. */
  opening: Record<string, string>;
  /** Imports that run up the list, as `from imports to`. */
  climbing: string[];
}

/** The houses of ARCHITECTURE: each heading that is a folder, followed by a table of rooms. */
export async function houses(): Promise<House[]> {
  const text = await readFile(join(repository, "ARCHITECTURE.md"), "utf8");
  const tables = [...text.matchAll(/^### `([\w/]+)\/`\n([\s\S]*?)(?=^#|(?![\s\S]))/gm)];
  return Promise.all(tables.map(([, folder = "", table = ""]) => readHouse(folder, table)));
}

async function readHouse(folder: string, table: string): Promise<House> {
  const rows = [...table.matchAll(/^\| `([\w./-]+)` \| (.+) \|$/gm)];
  const sentences = Object.fromEntries(
    rows.map(([, room = "", sentence = ""]) => [withoutSlash(room), sentence]),
  );
  const rooms = Object.keys(sentences);
  const files = await sourceFiles(folder);
  const roomOf = (path: string) => {
    const [top = "", ...rest] = path.split("/");
    return rest.length > 0 || rooms.includes(top) ? top : ".";
  };
  const opening: Record<string, string> = {};
  const climbing: string[] = [];
  for (const [path, source] of files) {
    const room = roomOf(path);
    const sentence = openingSentence(source);
    if (sentence) opening[room] = room in opening ? `${opening[room]} AND ${sentence}` : sentence;
    for (const target of importsWithin(folder, path, source)) {
      const isUp = rooms.indexOf(roomOf(target)) < rooms.indexOf(room);
      if (isUp) climbing.push(`${folder}/${path} imports ${folder}/${target}`);
    }
  }
  const found = [...new Set(files.map(([path]) => roomOf(path)))];
  return { folder, rooms, sentences, found, opening, climbing };
}

/** Path within the folder, and text. */
async function sourceFiles(folder: string): Promise<[path: string, source: string][]> {
  const names = await readdir(join(repository, folder), { recursive: true });
  const sources = names.filter((name) => /\.tsx?$/.test(name) && !name.startsWith("console/dist/"));
  const read = (name: string) => readFile(join(repository, folder, name), "utf8");
  return Promise.all(
    sources
      .toSorted()
      .map(async (name): Promise<[string, string]> => [name.replaceAll("\\", "/"), await read(name)]),
  );
}

function openingSentence(source: string): string | null {
  const [, comment] = /^\/\*\*([\s\S]*?)\*\/\n\n/.exec(source) ?? [];
  const paragraph = comment
    ?.replace(/^ *\* ?/gm, "")
    .trim()
    .split("\n\n")[0];
  return paragraph?.replace(/\s+/g, " ") ?? null;
}

/** What a file imports from its own house: paths within the folder. */
function importsWithin(folder: string, path: string, source: string): string[] {
  const specifiers = [...source.matchAll(/(?:\bfrom|\bimport)\s*\(?\s*"([.#][^"]+)"/g)].map(
    ([, one = ""]) => one,
  );
  return specifiers
    .map((one) =>
      one.startsWith("#") ? one.slice(1) : join(folder, dirname(path), one).replaceAll("\\", "/"),
    )
    .filter((target) => target.startsWith(`${folder}/`))
    .map((target) => target.slice(folder.length + 1));
}

function withoutSlash(room: string): string {
  return room === "./" ? "." : room.replace(/\/$/, "");
}
