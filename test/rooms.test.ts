import { describe, expect, test } from "vitest";
import { type House, houses } from "./support/rooms.ts";

const found = await houses();

test("ARCHITECTURE has a table of rooms for each of the large folders", () => {
  expect(found.map(({ folder }) => folder)).toEqual(["connector", "functions", "infra/sandbox"]);
});

describe.each(found)("$folder/", (house: House) => {
  test("ARCHITECTURE lists every room, from the top to the ground", () => {
    const unlisted = house.found.filter((room) => !house.rooms.includes(room));
    const missing = house.rooms.filter((room) => !house.found.includes(room));
    expect(unlisted, "add these rooms to the table in ARCHITECTURE.md, below all that import them").toEqual(
      [],
    );
    expect(missing, "remove these rooms from the table in ARCHITECTURE.md: they do not exist").toEqual([]);
  });

  test("every import runs down the list or stays in its room, type imports included", () => {
    const problem =
      "move the code down, or pass it in as an argument; ARCHITECTURE.md has the order of the rooms";
    expect(house.climbing, problem).toEqual([]);
  });

  test("the main file of each room opens with the room's sentence, as ARCHITECTURE has it", () => {
    const problem =
      "exactly one file of a room opens with `/** sentence */` and an empty line; ARCHITECTURE.md has the same sentence";
    expect(house.opening, problem).toEqual(house.sentences);
  });
});
