import { expect, test } from "vitest";
import { channelInHash, hashOfChannel } from "#functions/console/route.ts";

test("a channel's hash leads back to its id, whatever characters the id has", () => {
  for (const id of ["7f1c2b0e-0000-4000-8000-000000000001", "a b/c#?", "é%"])
    expect(channelInHash(hashOfChannel(id))).toBe(id);
});

test("any other hash is the list", () => {
  for (const hash of ["", "#", "#/", "#/channels/", "#/channels/a/b", "#/other/a", "#/channels/%E0%A4%A"])
    expect(channelInHash(hash)).toBeNull();
});
