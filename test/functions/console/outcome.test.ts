import { expect, test } from "vitest";
import { failureOf, further, outcomeOfCommand, outcomeWords } from "#functions/console/outcome.ts";
import { commandStates } from "#shared/commands.ts";
import { messageStatuses, messageStatusRank } from "#shared/events.ts";

test("of two outcomes the one further along stands, in whichever order they come", () => {
  for (const a of messageStatuses)
    for (const b of messageStatuses) {
      const [first, second] = [a, b].map((status) => ({ status, failure: null })) as [never, never];
      const expected = messageStatusRank[a] >= messageStatusRank[b] ? a : b;
      expect(further(first, second).status).toBe(expected);
      expect(further(second, first).status).toBe(expected);
    }
});

test("every status of a message has words", () => {
  for (const status of messageStatuses) expect(outcomeWords[status].label).toContain(status);
});

test("a failure names its code, in the catalog's words where it is known", () => {
  expect(failureOf("recipient_not_on_whatsapp")).toEqual({
    code: "recipient_not_on_whatsapp",
    message: "The number is not on WhatsApp",
  });
  expect(failureOf("whatsapp_rejected", 463).message).toBe("WhatsApp refused the message (463)");
  expect(failureOf("made_up")).toEqual({ code: "made_up", message: "The message was not sent" });
});

test("every state of a command says something about its message, and only what ended badly is a failure", () => {
  for (const state of commandStates) {
    const { status, failure } = outcomeOfCommand(state, null);
    expect(failure !== null, state).toBe(status === "failed");
  }
  expect(outcomeOfCommand("succeeded", null).status).toBe("sent");
  expect(outcomeOfCommand("running", null).status).toBe("queued");
  expect(outcomeOfCommand("unknown", null).status).toBe("unknown");
});

test("a failed command's own error is told; an expired one, which has none, by its state", () => {
  const error = { code: "media_unavailable", message: "The host does not answer" };
  expect(outcomeOfCommand("failed", error).failure).toEqual(error);
  expect(outcomeOfCommand("expired", null).failure?.code).toBe("expired");
});
