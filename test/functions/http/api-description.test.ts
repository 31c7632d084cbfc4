import { expect, test } from "vitest";
import { clientRequests } from "#connector/gateway/client-request.ts";
import { apiDescription } from "#functions/http/api-description.ts";
import { waitPreference } from "#functions/http/prefer-header.ts";
import { errorCatalog } from "#shared/errors.ts";
import type { EventData, LiveEventData } from "#shared/events.ts";
import { messageEvents } from "#shared/message-events.ts";
import { receivedKinds } from "#shared/received-content.ts";
import { type FunctionsFixture, functionsFixture } from "../functions.fixture.ts";

interface JsonKind {
  properties: { type: { const: string } };
}

const eventNames: Record<keyof EventData | keyof LiveEventData, true> = {
  connection_update: true,
  incoming_message: true,
  outgoing_message: true,
  message_status_update: true,
  message_edited: true,
  message_deleted: true,
  reaction: true,
  poll_vote: true,
  event_response: true,
  message_pinned: true,
  message_kept: true,
  qr_code: true,
  pairing_code: true,
};

test("the description is the front page of the OpenAPI document", async () => {
  await using functions: FunctionsFixture = await functionsFixture();
  const { body } = await functions.call("GET", "/openapi.json", { key: null });
  expect(body.info.description).toBe(apiDescription);
});

test("the description names every event, and no event that does not exist", () => {
  for (const name of Object.keys(eventNames)) expect(apiDescription).toContain(`\`${name}\``);
  const handled = [...apiDescription.matchAll(/socket\.on\("(\w+)"/g)].map(([, name = ""]) => name);
  expect(handled.filter((name) => name !== "connect" && !(name in eventNames))).toEqual([]);
  const emitted = [...apiDescription.matchAll(/socket\.emit\("(\w+)"/g)].map(([, name = ""]) => name);
  expect(Object.keys(clientRequests)).toEqual(expect.arrayContaining(emitted));
  expect([handled.length, emitted.length]).toEqual([4, 1]);
});

test("the preferences in the description parse, and 30 s is the longest wait", () => {
  const preferences = [...apiDescription.matchAll(/`Prefer: (\S+)`/g)].map(([, preference]) => preference);
  expect(preferences.map((preference) => waitPreference(preference)?.waitMs)).toEqual([30_000, 0]);
  expect(waitPreference("wait=31")?.waitMs).toBe(30_000);
});

test("the error in the description is what a call really answers", async () => {
  await using functions: FunctionsFixture = await functionsFixture();
  const example = JSON.parse(/```json\n(.*?)```/s.exec(apiDescription)?.[1] ?? "");
  const channelId = await functions.addChannel();
  const { body } = await functions.call("POST", `/api/whatsapp/channels/${channelId}/send`, {
    body: { to: "120363012345678901@g.us", message: "hi" },
    headers: { "X-Request-Id": example.error.requestId },
  });
  expect(body).toEqual(example);
  expect(errorCatalog).toHaveProperty(example.error.code);
});

test("each event of a message has a schema of its name, which its example fits", async () => {
  await using functions: FunctionsFixture = await functionsFixture();
  const { body } = await functions.call("GET", "/openapi.json", { key: null });
  for (const [name, { schema, example }] of Object.entries(messageEvents)) {
    const words = name.split("_").map((word) => `${word[0]?.toUpperCase()}${word.slice(1)}`);
    expect(body.components.schemas[words.join("")]).toMatchObject({ type: "object", example });
    expect(schema.strict().parse(example)).toEqual(example);
  }
});

test("the content of a message has one schema, to which the events refer", async () => {
  await using functions: FunctionsFixture = await functionsFixture();
  const { body } = await functions.call("GET", "/openapi.json", { key: null });
  const { schemas } = body.components;
  const types = schemas.MessageContent.oneOf.map((kind: JsonKind) => kind.properties.type.const);
  expect(types).toEqual(receivedKinds.map(({ schema }) => schema.shape.type.value));
  for (const name of ["IncomingMessage", "OutgoingMessage", "MessageEdited"]) {
    const { properties } = schemas[name];
    expect(properties.content).toEqual({ $ref: "#/components/schemas/MessageContent" });
  }
  expect(JSON.stringify(body)).not.toContain("$defs");
});
