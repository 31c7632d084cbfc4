import { Binary } from "mongodb";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { MessageDocument } from "#shared/collections.ts";
import { commandDocument } from "#test/support/documents.ts";
import { type FunctionsFixture, functionsFixture } from "../functions.fixture.ts";

const peer = "15550100001@s.whatsapp.net";
const group = "120363000000000001@g.us";
const at = (second: number) => new Date(Date.UTC(2026, 10, 30, 12, 0, second));

let functions: FunctionsFixture;
let channelId: string;
beforeAll(async () => {
  functions = await functionsFixture();
  channelId = await functions.addChannel();
  // Two messages of each second, in two chats.
  const rows = Array.from({ length: 12 }, (_, index) =>
    row({ messageId: `M${index}`, chat: index % 3 ? peer : group, sentAt: at(Math.floor(index / 2)) }),
  );
  await functions.db.messages.insertMany(rows);
});
afterAll(() => functions[Symbol.asyncDispose]());

function row(fields: Partial<MessageDocument>): MessageDocument {
  const { messageId = "3EB0A", chat = peer, sender = peer } = fields;
  return {
    _id: `${channelId}/in/${chat}/${sender}/${messageId}`,
    ...{ channelId, messageId, direction: "in", chat, sender, type: "text", origin: "contact" },
    ...{ text: "Hello", content: { type: "text", text: "Hello" }, status: null, statusRank: 0 },
    proto: new Binary(Buffer.from("sealed")),
    sentAt: at(0),
    recordedAt: at(59),
    ...fields,
  };
}

type Listed = { messageId: string; chat: string }[];
const call = (path = "", key?: string) =>
  functions.call("GET", `/channels/${channelId}/messages${path}`, key === undefined ? {} : { key });
const list = async (query = "") => {
  const { status, body } = await call(query);
  expect(status, JSON.stringify(body)).toBe(200);
  return body as { payload: Listed; nextCursor: string | null };
};
const idsOf = (payload: Listed) => payload.map(({ messageId }) => messageId);
const numbered = (...numbers: number[]) => numbers.map((number) => `M${number}`);

describe("the list", () => {
  test("is newest first, without the bytes that WhatsApp sent", async () => {
    const { payload, nextCursor } = await list();
    const seconds = idsOf(payload).map((id) => Math.floor(Number(id.slice(1)) / 2));
    expect(seconds).toEqual([5, 5, 4, 4, 3, 3, 2, 2, 1, 1, 0, 0]);
    expect(nextCursor).toBeNull();
    expect(JSON.stringify(payload)).not.toMatch(/proto|sealed|_id/);
    expect(payload[0]).toEqual({
      ...{
        messageId: expect.any(String),
        channelId,
        direction: "in",
        chat: expect.any(String),
        sender: peer,
      },
      ...{ origin: "contact", type: "text", message: "Hello", content: { type: "text", text: "Hello" } },
      ...{ status: null, reactions: [], sentAt: at(5).toISOString(), recordedAt: at(59).toISOString() },
    });
  });

  test.each([1, 2, 5, 12])("has every message once in pages of %i", async (limit) => {
    const all = idsOf((await list()).payload);
    const seen: string[] = [];
    for (let cursor: string | null = ""; cursor !== null; ) {
      const page = await list(`?limit=${limit}${cursor && `&cursor=${cursor}`}`);
      seen.push(...idsOf(page.payload));
      cursor = page.nextCursor;
    }
    expect(seen).toEqual(all);
  });

  test("of a chat has only its messages, however the chat is written", async () => {
    const { payload } = await list(`?chat=${encodeURIComponent("+1 555 010-0001")}`);
    expect(new Set(payload.map(({ chat }) => chat))).toEqual(new Set([peer]));
    expect(payload).toHaveLength(8);
    expect(idsOf((await list(`?chat=${group}`)).payload)).toEqual(numbered(9, 6, 3, 0));
  });

  test("before and after a message has its neighbours, in both directions to the end", async () => {
    expect(idsOf((await list(`?chat=${group}&before=M6&limit=1`)).payload)).toEqual(["M3"]);
    const after = await list(`?chat=${group}&after=M0&limit=2`);
    expect(idsOf(after.payload)).toEqual(numbered(6, 3));
    const newer = await list(`?chat=${group}&limit=2&cursor=${after.nextCursor}`);
    expect([idsOf(newer.payload), newer.nextCursor]).toEqual([["M9"], null]);
    expect((await list(`?chat=${group}&after=M9`)).payload).toEqual([]);
  });

  test("of another channel has none of them", async () => {
    const other = await functions.addChannel();
    const { body } = await functions.call("GET", `/channels/${other}/messages`);
    expect(body.payload).toEqual([]);
    const { cursor } = { cursor: (await list("?limit=1")).nextCursor };
    const stolen = await functions.call("GET", `/channels/${other}/messages?cursor=${cursor}`);
    expect(stolen.body.payload).toEqual([]);
  });

  test.each([
    ["chat=nobody", "chat"],
    ["limit=0", "limit"],
    ["cursor=AAAA", "cursor"],
    ["before=M1&after=M2", "cursor"],
    ["unknown=1", ""],
  ])("is refused for ?%s", async (query, field) => {
    const { status, body } = await call(`?${query}`);
    expect([status, body.error.code]).toEqual([400, "invalid_request"]);
    expect(JSON.stringify(body.error.details)).toContain(field);
  });

  test("is not found after a message that does not exist", async () => {
    const { status, body } = await call("?before=nothing");
    expect([status, body.error.code]).toEqual([404, "message_not_found"]);
  });
});

describe("one message", () => {
  test("is shown with all that is known of it, and its statuses", async () => {
    await functions.db.messages.insertOne(
      row({
        _id: `${channelId}/out/3EB0OUT`,
        ...{
          messageId: "3EB0OUT",
          direction: "out",
          sender: null,
          origin: "api",
          via: "shop",
          status: "read",
          statusRank: 5,
        },
        context: {
          replyTo: { messageId: "3EB0A", sender: peer },
          mentions: [peer],
          forwarded: true,
          expiresIn: 60,
        },
        reactions: [{ sender: peer, emoji: "👍", at: at(9) }],
        history: [
          { status: "queued", at: at(1) },
          { status: "failed", at: at(2), error: { code: "whatsapp_rejected", whatsappCode: 463 } },
          { status: "read", at: at(3) },
        ],
        ...{ editedAt: at(4), deletedAt: at(5), expiresAt: at(6) },
      }),
    );
    const { status, body } = await call("/3EB0OUT");
    expect([status, body.payload]).toEqual([
      200,
      expect.objectContaining({
        ...{ via: "shop", status: "read", replyTo: { messageId: "3EB0A", sender: peer }, mentions: [peer] },
        reactions: [{ sender: peer, emoji: "👍", at: at(9).toISOString() }],
        history: [
          { status: "queued", at: at(1).toISOString() },
          {
            status: "failed",
            at: at(2).toISOString(),
            error: { code: "whatsapp_rejected", whatsappCode: 463 },
          },
          { status: "read", at: at(3).toISOString() },
        ],
        ...{ editedAt: at(4).toISOString(), deletedAt: at(5).toISOString(), expiresAt: at(6).toISOString() },
      }),
    ]);
  });

  test("whose id others use too is found by its chat, then by its sender", async () => {
    const other = "15550100003@s.whatsapp.net";
    const same = { messageId: "3EB0SAME" };
    await functions.db.messages.insertMany([
      row(same),
      row({ ...same, chat: group }),
      row({ ...same, chat: group, sender: other }),
    ]);
    const ambiguous = await call("/3EB0SAME");
    expect([ambiguous.status, ambiguous.body.error.code]).toEqual([409, "message_ambiguous"]);
    expect(ambiguous.body.error.details.messages).toContainEqual({ chat: group, sender: other });
    expect((await call(`/3EB0SAME?chat=${peer}`)).body.payload.chat).toBe(peer);
    expect((await call(`/3EB0SAME?chat=${group}`)).status).toBe(409);
    const found = await call(`/3EB0SAME?chat=${group}&sender=${other}`);
    expect(found.body.payload.sender).toBe(other);
  });

  test.each([
    ["queued", "queued", undefined],
    ["failed", "failed", { code: "recipient_not_on_whatsapp", message: "…" }],
  ] as const)(
    "of a %s send that has no row is shown as its command tells it",
    async (state, status, error) => {
      const messageId = `3EB0${state}`;
      const payload = { to: peer, content: { type: "text", text: "Later" } };
      const ended = error && { error, doneAt: at(2) };
      await functions.db.commands.insertOne(
        commandDocument(channelId, { messageId, state, payload, createdAt: at(1), ...ended }),
      );
      const { body } = await call(`/${messageId}`);
      expect(body.payload).toMatchObject({
        messageId,
        chat: peer,
        direction: "out",
        status,
        message: "Later",
      });
      expect(body.payload.history.at(-1)).toMatchObject(
        error ? { status, error: { code: error.code } } : { status },
      );
      expect((await call(`/${messageId}?chat=${group}`)).status).toBe(404);
    },
  );

  test("of a former version's row is shown with what that has", async () => {
    const {
      sentAt: _,
      recordedAt: __,
      text: ___,
      content: ____,
      origin: _____,
      ...former
    } = row({ messageId: "OLD" });
    await functions.db.messages.insertOne({ ...former, timestamp: at(7) });
    const { body } = await call("/OLD");
    expect(body.payload).toMatchObject({
      message: null,
      sentAt: at(7).toISOString(),
      recordedAt: at(7).toISOString(),
    });
  });

  test("is not found under an id that nothing has, and takes the scope messages:read", async () => {
    expect((await call("/nothing")).body.error.code).toBe("message_not_found");
    const key = await functions.addKey({ scopes: ["messages:send"] });
    expect((await call("/M1", key)).body.error.code).toBe("insufficient_scope");
    expect((await call("", key)).body.error.code).toBe("insufficient_scope");
  });
});
