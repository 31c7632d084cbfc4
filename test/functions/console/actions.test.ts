import { expect, test } from "vitest";
import { createActions } from "#functions/console/actions.ts";
import { createStore } from "#functions/console/store.ts";
import { channel, channelId } from "./channel.fixture.ts";
import { accepted, apiWith, type Call, failure, ok } from "./server.fixture.ts";

/** The page's actions against a server with one channel, unless `answer` responds instead. */
async function page(answer: (call: Call) => Response | null = () => null) {
  const server = apiWith((call) => answer(call) ?? usual(call));
  const store = createStore();
  const actions = createActions(server.api, store, () => 42);
  await actions.loadChannels();
  const only = () => store.state.channels[0];
  return { ...server, store, actions, only };
}

const queued = { payload: { channelId, status: "queued", commandId: "x" } };

function usual({ path, method }: Call): Response {
  if (path.endsWith("/channels") && method === "GET") return ok({ payload: [channel()], nextCursor: null });
  if (path.endsWith(channelId)) return ok({ payload: channel({ status: "connecting" }) });
  if (path.includes("/send"))
    return ok({ payload: { messageId: "m1", to: "1", type: "text", status: "queued", commandId: "c1" } });
  return ok({});
}

test("an accepted message appears in the channel with its message and command ids", async () => {
  const { actions, only } = await page();
  await actions.sendText(channelId, { to: "+15551234567", message: "Hi" });
  expect(only()?.entries).toMatchObject([
    {
      kind: "own",
      messageId: "m1",
      commandId: "c1",
      to: "+15551234567",
      text: "Hi",
      media: null,
      at: 42,
      outcome: { status: "queued" },
    },
  ]);
});

test("sent media appears in the channel with its kind, URL and caption", async () => {
  const { actions, only } = await page();
  await actions.sendMedia(channelId, {
    to: "1",
    mediaType: "image",
    mediaUrl: "https://example.com/a.jpg",
    caption: "Look",
  });
  expect(only()?.entries).toMatchObject([
    { text: "Look", media: { type: "image", url: "https://example.com/a.jpg" } },
  ]);
});

test("a refused message does not appear in the channel, and its error reaches the caller", async () => {
  const { actions, only } = await page(({ path }) =>
    path.endsWith("/send") ? failure(400, "invalid_request") : null,
  );
  await expect(actions.sendText(channelId, { to: "x", message: "Hi" })).rejects.toMatchObject({
    code: "invalid_request",
  });
  expect(only()?.entries).toEqual([]);
});

test("a control call refreshes the channel, and succeeds even if the refresh fails", async () => {
  const { actions, only } = await page();
  await actions.connect(channelId);
  expect(only()?.status).toBe("connecting");
  const blind = await page(({ path }) =>
    path.endsWith(channelId) ? failure(503, "database_unavailable") : null,
  );
  await expect(blind.actions.disconnect(channelId)).resolves.toBeUndefined();
});

test("a control command that is not finished in time says whether a connector is running", async () => {
  const waited = { "Preference-Applied": "wait=10" };
  const after = async (headers: Record<string, string>) => {
    const { actions, only } = await page(({ path }) =>
      path.endsWith("/disconnect") ? accepted(queued, headers) : null,
    );
    await actions.disconnect(channelId);
    return only()?.request;
  };
  expect(await after({})).toBe("stored");
  expect(await after(waited)).toBe("running");
});

test.each([
  ["confirmed", () => ok({ payload: { channelId } }), null],
  [
    "not confirmed yet",
    () => accepted(queued, { "Preference-Applied": "wait=5" }),
    /WhatsApp has not confirmed/,
  ],
  ["stored, because no connector is running", () => accepted(queued), /no connector is running/],
])("a deletion that is %s is told truthfully", async (_, answer, notice) => {
  const { actions, store } = await page(({ method }) => (method === "DELETE" ? answer() : null));
  await actions.remove(channelId);
  expect(store.state.channels).toEqual([]);
  if (notice) expect(store.state.notice).toMatch(notice);
  else expect(store.state.notice).toBeNull();
});

test("a message whose answer was lost is sent again under its key, and appears once", async () => {
  let isLost = true;
  const { actions, only, calls } = await page(({ path }) => {
    if (!path.endsWith("/send") || !isLost) return null;
    isLost = false;
    throw new TypeError("fetch failed");
  });
  const draft = { to: "1", message: "Hi" };
  await expect(actions.sendText(channelId, draft)).rejects.toMatchObject({ code: "unreachable" });
  await actions.sendText(channelId, draft);
  const keys = calls
    .filter(({ path }) => path.endsWith("/send"))
    .map(({ headers }) => headers["idempotency-key"]);
  expect(keys).toEqual([expect.stringMatching(/^[0-9a-f]{32}$/), keys[0]]);
  expect(only()?.entries).toHaveLength(1);
});

test("two clicks that send the same message at once are one request, shown once", async () => {
  const { actions, only, calls } = await page();
  const draft = { to: "1", message: "Hi" };
  await Promise.all([actions.sendText(channelId, draft), actions.sendText(channelId, draft)]);
  const sends = calls.filter(({ path }) => path.endsWith("/send"));
  expect(new Set(sends.map(({ headers }) => headers["idempotency-key"])).size).toBe(1);
  expect(only()?.entries).toHaveLength(1);
});

test("signing in lists the channels, a wrong key rejects, and signing out clears them", async () => {
  const isWrong = (body: unknown) => JSON.stringify(body) === '{"apiKey":"wrong"}';
  const { actions, store } = await page(({ body }) =>
    isWrong(body) ? failure(401, "invalid_api_key") : null,
  );
  await expect(actions.signIn("wrong")).rejects.toMatchObject({ code: "invalid_api_key" });
  await actions.signIn("right");
  expect(store.state).toMatchObject({ session: "signed_in", channels: [{ channelId }] });
  await actions.signOut();
  expect(store.state).toMatchObject({ session: "signed_out", channels: [] });
});

test("a failed channel list is kept as an error, and the next attempt replaces it", async () => {
  let isDown = true;
  const { actions, store } = await page(() => (isDown ? failure(503, "database_unavailable") : null));
  expect(store.state.listing).toMatchObject({ code: "database_unavailable" });
  isDown = false;
  await actions.loadChannels();
  expect(store.state).toMatchObject({ listing: "loaded", session: "signed_in" });
});

test("message outcomes are fetched only while they are open", async () => {
  const { actions, only, calls } = await page(({ path }) =>
    path.endsWith("/commands/c1")
      ? ok({ payload: { state: "failed", error: { code: "media_unavailable", message: "Gone" } } })
      : null,
  );
  await actions.sendText(channelId, { to: "1", message: "Hi" });
  await actions.refreshOutcomes(channelId);
  expect(only()?.entries).toMatchObject([
    { outcome: { status: "failed", failure: { code: "media_unavailable", message: "Gone" } } },
  ]);
  const before = calls.length;
  await actions.refreshOutcomes(channelId);
  expect(calls).toHaveLength(before);
});

const payload = { channelId, code: "ABCD1234", expiresAt: "2026-01-01T00:00:00Z" };

test("a pairing code in the response is shown without an event, with its phone number", async () => {
  const { actions, only } = await page(({ path }) =>
    path.endsWith("/pairing-code") ? ok({ payload }) : null,
  );
  await actions.requestPairingCode(channelId, "+1 555 123 4567");
  expect(only()).toMatchObject({
    requestedNumber: "+1 555 123 4567",
    pairing: { kind: "code", code: "ABCD1234", expiresAt: payload.expiresAt },
  });
});

test("a page without events polls the QR and notices when the stored command has run", async () => {
  let status: "inactive" | "qr_ready" = "inactive";
  const { actions, only } = await page(({ path }) => {
    if (path.endsWith("/connect")) return accepted({ channelId, status: "connecting" });
    if (path.endsWith("/qr"))
      return ok({ payload: { qr: "2@", attempt: 1, of: 6, expiresAt: "2026-01-01" } });
    return path.endsWith(channelId) ? ok({ payload: channel({ status }) }) : null;
  });
  await actions.connect(channelId);
  await actions.poll(channelId);
  expect(only()).toMatchObject({ status: "inactive", request: "stored", pairing: null });
  status = "qr_ready";
  await actions.poll(channelId);
  expect(only()).toMatchObject({ status: "qr_ready", request: "done", pairing: { kind: "qr", attempt: 1 } });
});

test("a poll between two QR codes succeeds; any other failure rejects", async () => {
  const codes = ["qr_not_available", "database_unavailable"];
  const { actions } = await page(({ path }) => {
    if (path.endsWith("/qr")) return failure(404, codes.shift() ?? "");
    return path.endsWith(channelId) ? ok({ payload: channel({ status: "qr_ready" }) }) : null;
  });
  await expect(actions.poll(channelId)).resolves.toBeUndefined();
  await expect(actions.poll(channelId)).rejects.toMatchObject({ code: "database_unavailable" });
});
