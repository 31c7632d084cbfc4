import { describe, expect, test } from "vitest";
import { type FolderRooms, readRooms } from "./support/rooms.ts";

const folders = await readRooms();

test("ARCHITECTURE has a table of rooms for connector/, functions/ and infra/sandbox/", () => {
  expect(folders.map(({ folder }) => folder)).toEqual(["connector", "functions", "infra/sandbox"]);
});

describe.each(folders)("$folder/", (folder: FolderRooms) => {
  test("ARCHITECTURE lists every room, and only rooms that exist", () => {
    const unlisted = folder.onDisk.filter((room) => !folder.rooms.includes(room));
    const missing = folder.rooms.filter((room) => !folder.onDisk.includes(room));
    expect(unlisted, "add these rooms to the table in ARCHITECTURE.md, below all that import them").toEqual(
      [],
    );
    expect(missing, "remove these rooms from the table in ARCHITECTURE.md: they do not exist").toEqual([]);
  });

  test("every import, type imports included, stays in its room or leads to a lower one", () => {
    const problem =
      "move the code down, or pass it in as an argument; ARCHITECTURE.md has the order of the rooms";
    expect(folder.upwardImports, problem).toEqual([]);
  });

  test("exactly one file of each room opens with the room's sentence from ARCHITECTURE", () => {
    const problem =
      "exactly one file of a room opens with `/** sentence */` and an empty line; ARCHITECTURE.md has the same sentence";
    expect(folder.openings, problem).toEqual(folder.sentences);
  });
});
