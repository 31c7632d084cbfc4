import { readdir, readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const repository = fileURLToPath(new URL("../..", import.meta.url));

/** A top folder whose rooms ARCHITECTURE lists. A room is a subfolder or a listed file; `./` is all other files. */
export interface FolderRooms {
  folder: string;
  /** The rooms in ARCHITECTURE's order, from the top to the ground. */
  rooms: string[];
  /** ARCHITECTURE's sentence for each room. */
  sentences: Record<string, string>;
  /** The rooms on disk. */
  onDisk: string[];
  /** The sentence that opens a file of each room. */
  openings: Record<string, string>;
  /** Imports of a room above, as `<file> imports <file>`. */
  upwardImports: string[];
}

/** Reads ARCHITECTURE's tables of rooms, each under a heading that names its folder, and the files of each folder. */
export async function readRooms(): Promise<FolderRooms[]> {
  const text = await readFile(join(repository, "ARCHITECTURE.md"), "utf8");
  const tables = [...text.matchAll(/^### `([\w/]+)\/`\n([\s\S]*?)(?=^#|(?![\s\S]))/gm)];
  return Promise.all(tables.map(([, folder = "", table = ""]) => readFolder(folder, table)));
}

async function readFolder(folder: string, table: string): Promise<FolderRooms> {
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
  const openings: Record<string, string> = {};
  const upwardImports: string[] = [];
  for (const [path, source] of files) {
    const room = roomOf(path);
    const sentence = openingSentence(source);
    if (sentence) openings[room] = room in openings ? `${openings[room]} AND ${sentence}` : sentence;
    for (const target of importsWithin(folder, path, source)) {
      const isUp = rooms.indexOf(roomOf(target)) < rooms.indexOf(room);
      if (isUp) upwardImports.push(`${folder}/${path} imports ${folder}/${target}`);
    }
  }
  const onDisk = [...new Set(files.map(([path]) => roomOf(path)))];
  return { folder, rooms, sentences, onDisk, openings, upwardImports };
}

/** Each source file's path within the folder, and its text. */
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

/** The files of the same top folder that a file imports, as paths within the folder. */
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
