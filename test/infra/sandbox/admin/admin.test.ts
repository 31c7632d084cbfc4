import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { WebSocket } from "ws";
import { startSandbox } from "#infra/sandbox/sandbox.ts";
import type { Sandbox } from "#infra/sandbox/sandbox-api.ts";
import { eventually } from "#test/support/eventually.ts";

let sandbox: Sandbox;
beforeAll(async () => {
  sandbox = await startSandbox();
});
beforeEach(() => {
  sandbox.counts.reset();
  sandbox.faults.clear();
});
afterAll(() => sandbox[Symbol.asyncDispose]());

type Answer = {
  status: number;
  payload: unknown;
  error?: { code: string; message: string; details: unknown };
};

async function ask(method: string, path: string, body?: unknown): Promise<Answer> {
  const headers = { "content-type": "application/json" };
  const sent = body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) };
  const answer = await fetch(`${sandbox.adminUrl}/api/${path}`, { method, headers, ...sent });
  const { payload, error } = (await answer.json()) as Omit<Answer, "status">;
  return { status: answer.status, payload, ...(error && { error }) };
}
const get = (path: string) => ask("GET", path);
const post = (path: string, body?: unknown) => ask("POST", path, body);

test("the environment lists the settings that a gateway needs", async () => {
  expect((await get("environment")).payload).toEqual({
    WHATSAPP_WEBSOCKET_URL: sandbox.websocketUrl,
    WHATSAPP_ROOT_KEY: sandbox.rootKey,
    mediaCa: sandbox.mediaCa,
  });
  expect(await (await fetch(`${sandbox.adminUrl}/api/media-ca.pem`)).text()).toBe(sandbox.mediaCa);
});

test("reading an unused number creates no account, writing from one does", async () => {
  expect(await get("accounts/15550900001")).toMatchObject({ status: 404, error: { code: "not_found" } });
  expect(await get("accounts/15550900001/inbox")).toMatchObject({ status: 404 });
  expect((await post("accounts", { phoneNumber: "+1 555 090-0001" })).payload).toMatchObject({
    phoneNumber: "15550900001",
    devices: [],
    receiptPolicy: { delivered: "auto", read: "never" },
  });
  expect(await get("accounts/+15550900001")).toMatchObject({ status: 200 });
});

test("a text is in its reader's inbox and in the conversations of both people", async () => {
  const { id } = (await post("accounts/15550900011/send-text", { to: "15550900012", text: "Hello" }))
    .payload as {
    id: string;
  };
  const next = await get("accounts/15550900012/inbox/next?from=15550900011&contains=ell");
  expect(next.payload).toMatchObject({ id, text: "Hello", from: "15550900011", copies: 1 });
  expect((await get("accounts/15550900012/inbox")).payload).toEqual([next.payload]);
  for (const [one, other] of [
    ["15550900011", "15550900012"],
    ["15550900012", "15550900011"],
  ]) {
    expect((await get(`accounts/${one}/chats/${other}`)).payload).toMatchObject([{ id, progress: "sent" }]);
    expect((await get(`accounts/${one}/chats`)).payload).toMatchObject([{ phoneNumber: other, messages: 1 }]);
  }
});

test("`inbox/next` waits for a later message, and times out without one", async () => {
  const first = (await post("accounts/15550900021/send-text", { to: "15550900022", text: "one" }))
    .payload as {
    id: string;
  };
  const waiting = get(`accounts/15550900022/inbox/next?after=${first.id}&waitMs=20000`);
  await post("accounts/15550900021/send-text", { to: "15550900022", text: "two" });
  expect((await waiting).payload).toMatchObject({ text: "two" });
  expect(await get("accounts/15550900022/inbox/next?contains=three&waitMs=0")).toMatchObject({
    status: 408,
    error: { code: "timeout" },
  });
});

test("media is served byte for byte, and only harmless types are shown inline", async () => {
  const bytes = Buffer.from([137, 80, 78, 71, 1, 2, 3]);
  const sendAs = (mimetype: string, kind: string) =>
    post("accounts/15550900031/send-media", {
      to: "15550900032",
      kind,
      mimetype,
      base64: bytes.toString("base64"),
    });
  for (const [kind, mimetype, type, disposition] of [
    ["image", "image/png", "image/png", "inline"],
    ["document", "text/html", "application/octet-stream", "attachment"],
    ["image", "image/svg+xml", "application/octet-stream", "attachment"],
  ] as const) {
    const { id } = (await sendAs(mimetype, kind)).payload as { id: string };
    const { payload } = await get("accounts/15550900032/inbox");
    const [message] = (payload as { id: string; media: { path: string } }[]).filter((one) => one.id === id);
    const answer = await fetch(`${sandbox.adminUrl}${message?.media.path}`);
    expect(answer.headers.get("content-type")).toBe(type);
    expect(answer.headers.get("content-disposition")).toBe(disposition);
    expect(Buffer.from(await answer.arrayBuffer())).toEqual(bytes);
  }
});

test("an impossible action of a person is refused with a reason", async () => {
  expect(await post("scan", { phoneNumber: "15550900041", qr: "2@not,a,qr" })).toMatchObject({
    status: 409,
    error: { code: "refused", message: "Not a WhatsApp QR." },
  });
  expect(await post("type-code", { phoneNumber: "15550900041", code: "abcd-efgh" })).toMatchObject({
    status: 409,
    error: { code: "refused" },
  });
  await post("accounts", { phoneNumber: "15550900041" });
  expect(await post("accounts/15550900041/mark-read", { messageId: "none" })).toMatchObject({ status: 409 });
  expect(await post("accounts/15550900041/unlink", { deviceId: 9 })).toMatchObject({ status: 404 });
});

test("the sample picture is a PNG, the same every time", async () => {
  const read = async () => {
    const answer = await fetch(`${sandbox.adminUrl}/sample.png`);
    expect([answer.status, answer.headers.get("content-type")]).toEqual([200, "image/png"]);
    return Buffer.from(await answer.arrayBuffer());
  };
  const picture = await read();
  expect(picture.subarray(1, 4).toString()).toBe("PNG");
  expect(await read()).toEqual(picture);
});

test("the state contains the console's address once it is known", async () => {
  expect((await get("state")).payload).toMatchObject({ consoleUrl: null });
  sandbox.consoleUrl = "http://127.0.0.1:3000";
  expect((await get("state")).payload).toMatchObject({ consoleUrl: "http://127.0.0.1:3000" });
});

test("one PATCH changes name and receipt policy together or not at all", async () => {
  await post("accounts", { phoneNumber: "15550900051" });
  const change = { pushName: "Ana", receiptPolicy: { read: 500 } };
  expect((await ask("PATCH", "accounts/15550900051", change)).payload).toMatchObject({
    pushName: "Ana",
    receiptPolicy: { delivered: "auto", read: 500 },
  });
  const mistake = { pushName: "Bob", receiptPolicy: { read: "soon" } };
  expect(await ask("PATCH", "accounts/15550900051", mistake)).toMatchObject({
    status: 400,
    error: { details: [{ field: "receiptPolicy.read", message: expect.stringContaining("auto") }] },
  });
  expect((await get("accounts/15550900051")).payload).toMatchObject({ pushName: "Ana" });
});

test("any message of the protocol can be sent as JSON, and nothing else", async () => {
  const send = (message: unknown) =>
    post("accounts/15550900062/send-message", { to: "15550900063", message });
  const { id } = (
    await send({ locationMessage: { name: "Gate", jpegThumbnail: Buffer.of(1, 2).toString("base64") } })
  ).payload as {
    id: string;
  };
  expect(id).toEqual(expect.any(String));
  for (const message of [{}, { place: "here" }, { locationMessage: "here" }, "here"])
    expect(await send(message)).toMatchObject({ status: 400, error: { details: [{ field: "message" }] } });
});

test("an invalid request is answered with every problem in it", async () => {
  expect(await post("accounts/15550900061/send-text", '{"to":')).toMatchObject({
    status: 400,
    error: { code: "invalid_json" },
  });
  expect(await post("accounts/12/send-text", { to: "15550900061", text: "x" })).toMatchObject({
    status: 400,
    error: { details: [{ field: "phoneNumber" }] },
  });
  const { error } = await post("accounts/15550900061/send-text", { to: "x", text: 1, colour: "red" });
  expect(error?.details).toEqual(
    expect.arrayContaining([
      { field: "to", message: expect.stringContaining("7 to 15 digits") },
      { field: "text", message: expect.any(String) },
      { field: "colour", message: "unknown field" },
    ]),
  );
  expect(await get("accounts/15550900061/inbox/next?waitMs=900000")).toMatchObject({ status: 400 });
  expect(await get("nothing")).toMatchObject({ status: 404, error: { code: "not_found" } });
});

/** The HTTP status with which a websocket is accepted (101) or refused. */
const upgrade = (): Promise<number | undefined> =>
  new Promise((resolve, reject) => {
    const socket = new WebSocket(sandbox.websocketUrl);
    socket.on("open", () => resolve(101));
    socket.on("unexpected-response", (_, answer) => resolve(answer.statusCode));
    socket.on("error", reject);
  });

test("a fault applied over the API takes effect, and `clear` ends it", async () => {
  expect(await post("faults/refuse-upgrade", { status: 429 })).toMatchObject({ status: 200 });
  expect(await upgrade()).toBe(429);
  expect((await get("counts")).payload).toMatchObject({ refusedUpgrades: 1 });
  await post("faults/clear");
  expect(await upgrade()).toBe(101);
});

test("counts can be read and reset", async () => {
  sandbox.counts.pairings = 3;
  sandbox.media.counts.uploads = 2;
  expect((await get("counts")).payload).toMatchObject({
    pairings: 3,
    unknownNodes: 0,
    media: { uploads: 2 },
  });
  await post("counts/reset");
  expect((await get("state")).payload).toMatchObject({
    counts: { pairings: 0, media: { uploads: 0 } },
    pairings: [],
  });
});

test("a fault schedule follows its seed, runs alone and can be stopped", async () => {
  const wanted = { seed: 4, seconds: 600, targets: ["15550900001"], rates: { drop: 600, silence: 1 } };
  const started = await post("faults/schedule", wanted);
  expect(started.payload).toMatchObject({ seed: 4, isRunning: true });
  expect(await post("faults/schedule", wanted)).toMatchObject({ status: 409, error: { code: "refused" } });
  await eventually(
    async () => ((await get("faults/schedule")).payload as { report: unknown[] }).report.length > 0,
  );
  await post("faults/schedule/stop");
  await eventually(async () => !((await get("faults/schedule")).payload as { isRunning: boolean }).isRunning);
  expect((await get("faults/schedule")).payload).toMatchObject({
    report: expect.arrayContaining([expect.objectContaining({ fault: "drop" })]),
  });
  const again = await post("faults/schedule", wanted);
  expect((again.payload as { plan: unknown }).plan).toEqual((started.payload as { plan: unknown }).plan);
  await post("faults/schedule/stop");
  expect(await post("faults/schedule", { seed: 1, seconds: 0, rates: { melt: 1 } })).toMatchObject({
    status: 400,
  });
});

test("only members write to a group and change it", async () => {
  const [creator, member, guest] = ["15550900031", "15550900032", "15550900033"];
  const made = await post("groups", { creator, subject: "Choir", members: [member] });
  const { id } = made.payload as { id: string };
  expect((await get("groups")).payload).toContainEqual(
    expect.objectContaining({ jid: id, subject: "Choir", members: [creator, member], addressing: "lid" }),
  );
  expect(await post(`groups/${id}/add`, { by: guest, phoneNumber: guest })).toMatchObject({ status: 409 });
  expect(await post(`groups/${id}/add`, { by: member, phoneNumber: guest })).toMatchObject({ status: 200 });
  await post(`accounts/${creator}/send-text`, { to: id, text: "Tonight" });
  expect((await get(`accounts/${guest}/inbox`)).payload).toMatchObject([{ chat: id, text: "Tonight" }]);
  expect((await get(`accounts/${guest}/chats`)).payload).toEqual([]);
  await post(`groups/${id}/remove`, { by: creator, phoneNumber: guest });
  expect(await post(`accounts/${guest}/send-text`, { to: id, text: "Wait!" })).toMatchObject({
    status: 409,
    error: { message: `${guest} is not in the group.` },
  });
  expect(await post("groups/1203630@g.us/add", { by: guest, phoneNumber: guest })).toMatchObject({
    status: 400,
  });
  expect(await post(`groups/${"1".repeat(18)}@g.us/add`, {})).toMatchObject({ status: 404 });
});
