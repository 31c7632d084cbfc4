import { expect, test } from "vitest";
import { failureOf, further, outcomeOfCommand, outcomeWords } from "#functions/console/outcome.ts";
import { commandStates } from "#shared/commands.ts";
import { messageStatuses, messageStatusRank } from "#shared/events.ts";

test("`further` picks the outcome that is further along, in either order", () => {
  for (const a of messageStatuses)
    for (const b of messageStatuses) {
      const [first, second] = [a, b].map((status) => ({ status, failure: null })) as [never, never];
      const expected = messageStatusRank[a] >= messageStatusRank[b] ? a : b;
      expect(further(first, second).status).toBe(expected);
      expect(further(second, first).status).toBe(expected);
    }
});

test("every message status has a label", () => {
  for (const status of messageStatuses) expect(outcomeWords[status].label).toContain(status);
});

test("a failure has the catalog's title for its code, or a general one", () => {
  expect(failureOf("recipient_not_on_whatsapp")).toEqual({
    code: "recipient_not_on_whatsapp",
    message: "The number is not on WhatsApp",
  });
  expect(failureOf("whatsapp_rejected", 463).message).toBe("WhatsApp refused the message (463)");
  expect(failureOf("made_up")).toEqual({ code: "made_up", message: "The message was not sent" });
});

test("every command state maps to a message status, with a failure only if it failed", () => {
  for (const state of commandStates) {
    const { status, failure } = outcomeOfCommand(state, null);
    expect(failure !== null, state).toBe(status === "failed");
  }
  expect(outcomeOfCommand("succeeded", null).status).toBe("sent");
  expect(outcomeOfCommand("running", null).status).toBe("queued");
  expect(outcomeOfCommand("unknown", null).status).toBe("unknown");
});

test("a failed command shows its own error, an expired one the error of its state", () => {
  const error = { code: "media_unavailable", message: "The host does not answer" };
  expect(outcomeOfCommand("failed", error).failure).toEqual(error);
  expect(outcomeOfCommand("expired", null).failure?.code).toBe("expired");
});
