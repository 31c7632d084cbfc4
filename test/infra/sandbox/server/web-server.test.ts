import { expect, test } from "vitest";
import { WebSocket } from "ws";
import { useSandbox } from "../sandbox.fixture.ts";

const fixture = useSandbox();

test("websockets are accepted at /ws/chat only, and the admin API answers on the same port", async () => {
  const elsewhere = new WebSocket(fixture.sandbox.websocketUrl.replace("/ws/chat", "/other"));
  const refused = await new Promise<Error>((resolve) => elsewhere.on("error", resolve));
  expect(refused.message).toContain("404");
  const answer = await fetch(`${fixture.sandbox.adminUrl}/api/counts`);
  expect(await answer.json()).toMatchObject({ ok: true, payload: { unknownNodes: 0 } });
});
