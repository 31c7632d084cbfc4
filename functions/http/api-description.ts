/** The front page of the OpenAPI document, in Markdown: what holds for every call. */
export const apiDescription = `
Waypost gives programs a WhatsApp account: link a phone to a channel, send messages, and receive everything that happens
as events. Times are RFC 3339 in UTC.

## Authentication

Every call except health checks and signing in needs an API key, in \`X-Api-Key\` or as \`Authorization: Bearer …\`:

\`\`\`sh
curl -H "X-Api-Key: $API_KEY" localhost:3000/api/whatsapp/channels
\`\`\`

A key has scopes; each call names the one it requires. A key may be limited to some channels; the others do not exist for
it. The console's own pages may use its session cookie instead.

## Waiting for the result

A call that involves WhatsApp is stored as a command first; from then on it survives restarts. The answer then waits for
the result: 10 s by default, 5 s for a logout or a deletion, and for a message only while the channel is active.
\`Prefer: wait=30\` waits up to 30 s, \`Prefer: respond-async\` does not wait; \`Preference-Applied\` confirms it. When the
result takes longer, the answer is 202 and \`Location\` is the URL of the command, where its outcome can be read later.

## Repeating a request safely

Send an \`Idempotency-Key\`, 1 to 255 printable ASCII characters, with a call that changes something. If the answer gets
lost, repeat the call with the same key and the same body: for 24 h it has no second effect. The answer reports the outcome
of the first request, with \`Idempotency-Replayed: true\`. A different body under the same key is refused. The keys belong
to an API key and a path. A 4xx is repeated; after a 5xx the same key makes a new attempt. A call that names an unknown
channel or command, lacks the scope or is not JSON does not use up the key.

## Errors

Every failure has a stable code and the same form:

\`\`\`json
{
  "ok": false,
  "error": {
    "code": "invalid_request",
    "message": "The request is not valid",
    "details": [{ "field": "to", "message": "groups are not supported" }],
    "requestId": "8b3f0f6e-6f0e-4c0e-9f5e-0d6f3a1b2c4d",
    "retryable": false
  }
}
\`\`\`

\`retryable\` says whether the same call can succeed later. \`requestId\` is also in \`X-Request-Id\` and in the log. With
\`application/problem+json\` in \`Accept\`, failures have the form of RFC 9457.

## Events

Socket.io delivers events as they happen, at the same address, path \`/socket.io/\`:

\`\`\`js
const socket = io("http://localhost:3000", { auth: { apiKey } });
socket.on("connect", () => socket.emit("subscribe_channel", { channelId }));
socket.on("qr_code", ({ qrCode }) => show(qrCode));
socket.on("connection_update", ({ status }) => console.log(status));
socket.on("incoming_message", ({ from, message }) => console.log(from, message));
\`\`\`

The events are \`connection_update\`, \`qr_code\`, \`pairing_code\`; \`incoming_message\`, \`outgoing_message\`,
\`message_status_update\`; and what happens to a message later: \`message_edited\`, \`message_deleted\`, \`reaction\`,
\`poll_vote\`, \`event_response\`, \`message_pinned\`, \`message_kept\`. The schemas below have the data of each, such as
\`IncomingMessage\`. A vote, an answer, a reaction or an edit that is encrypted with a secret of its message names the message
and says \`unavailable\` in place of its content.
\`content.type\` tells what a message is; new kinds may be added. \`outgoing_message\` tells every listener of every send, with
its \`origin\`, when a connector takes it up; \`GET /channels/:id/messages\` lists what was said. With several connectors behind a load balancer, use \`transports: ["websocket"]\`.

Store the \`seq\` of the last event of each channel to miss nothing. \`subscribe_channel {channelId, after: seq}\` is
answered by \`subscribed\`, whose \`seq\` is the number that the following events continue from; then by the current state
(\`snapshot: true\`), by every event after \`after\`, and by new events as they happen: in order, without a gap, none twice.
Events that the key must not read are left out, with their numbers. When the events after \`after\` are no longer retained,
\`resync_required {channelId, seq}\` says where to resume. A second \`subscribe_channel\` with \`after\` starts again from
there. A client that reads too slowly is disconnected and resumes in the same way.

Without a socket, \`GET /channels/:id/events?after=\` and \`GET /events?after=\` return the same events, and wait for new ones
if \`Prefer\` asks for it.
`.trim();
