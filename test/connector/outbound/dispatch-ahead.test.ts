import { expect, test } from "vitest";
import { createDispatch, type DispatchOptions } from "#connector/outbound/dispatch.ts";
import { commandDocument } from "#test/support/documents.ts";
import { sessionScope } from "../session-scope.fixture.ts";
import { fakeSocket } from "./fake-socket.fixture.ts";

test("two sends are prepared ahead of the one whose turn it is", async () => {
  const asked: string[] = [];
  const recipients = {
    reach(_wa: unknown, jid: string) {
      asked.push(jid);
      return new Promise<string>(() => undefined);
    },
  };
  const options = { preparation: { recipients }, overtakeMs: 60_000 } as unknown as DispatchOptions;
  const gone = new AbortController();
  const { send } = createDispatch(sessionScope(), options, () => undefined);
  const to = (n: number) => `${15550100000 + n}@s.whatsapp.net`;
  const batch = Array.from({ length: 16 }, (_, n) => ({
    ...commandDocument("channel", { payload: { to: to(n), content: { type: "text", text: "Hello" } } }),
    messageId: `3EB0${n}`,
  }));
  void send(batch, { wa: fakeSocket({}).wa, gone: gone.signal }, () => true);
  await new Promise(setImmediate);
  expect(asked).toEqual([to(0), to(1), to(2)]);
});
