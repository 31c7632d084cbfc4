import { expect, test } from "vitest";
import { createSendOutcomes } from "#connector/outbound/send-outcome.ts";
import { commandDocument } from "#test/support/documents.ts";

const facts = { to: "15550100001@s.whatsapp.net", type: "text" } as const;
const send = { ...commandDocument("a channel"), messageId: "3EB0AA" };

/** Outcomes whose log and queue write down what they are given, in order. */
function recorded() {
  const written: string[] = [];
  const outcomes = createSendOutcomes({
    queue: {
      settle: async (_id, { state }) => void written.push(`settled ${state}`),
    },
    messageStatuses: {
      publish: async ({ status }) => void written.push(`published ${status}`),
      publishNotSent: async (_send, code) => void written.push(`published ${code}`),
    },
    announcements: { announceUnsent: async () => void written.push("announced") },
  });
  return { outcomes, written };
}

test("an outcome is published when it is known and only settled after that", async () => {
  const { outcomes, written } = recorded();
  const outcome = outcomes.begin(send, facts);
  outcome.publish({ kind: "sent" });
  expect(written).toEqual(["published sent"]);
  await outcome.settle({ kind: "sent" });
  expect(written).toEqual(["published sent", "settled succeeded"]);
});

test("an outcome that was not published before is published by settling it", async () => {
  const { outcomes, written } = recorded();
  await outcomes.begin(send, facts).settle({ kind: "refused", whatsappCode: 479 });
  expect(written).toEqual(["published failed", "settled failed"]);
});

test("an unknown outcome is published again after it is settled, for a receipt that came in between", async () => {
  const { outcomes, written } = recorded();
  await outcomes.begin(send, facts).settle({ kind: "unknown" });
  expect(written).toEqual(["published unknown", "settled unknown", "published unknown"]);
});

test("an acknowledgement of a relay that never reached the wire does not decide the next one", async () => {
  const { outcomes, written } = recorded();
  outcomes.begin(send, facts).publish({ kind: "sent" });
  await outcomes.begin(send, facts).settle({ kind: "refused", whatsappCode: 479 });
  expect(written).toEqual(["published sent", "published failed", "settled failed"]);
});
