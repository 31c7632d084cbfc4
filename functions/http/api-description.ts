/** What holds for every call, in Markdown: the front page of the API's document. */
export const apiDescription = `
Waypost gives programs a WhatsApp account: link a phone to a channel, send messages, and be told of everything that
happens. Times are RFC 3339 in UTC.

## Who calls

Every call but health checks and signing in needs an API key, in \`X-Api-Key\` or as \`Authorization: Bearer …\`:

\`\`\`sh
curl -H "X-Api-Key: $API_KEY" localhost:3000/api/whatsapp/channels
\`\`\`

A key has scopes, which each call names, and may be limited to some channels; others do not exist for it. The console's
session cookie counts too, on the console's own pages.

## Waiting for the result

A call that needs WhatsApp is written down first: once it is, it survives restarts. Then the answer waits for the result,
10 s unless \`Prefer\` says otherwise, and for a message only while the channel is active. \`Prefer: wait=30\` waits up to
30 s, \`Prefer: respond-async\` not at all; \`Preference-Applied\` confirms it. What is not done in time is answered with
202. \`Location\` names the command, which tells later what became of it.

## Doing it once

A call that changes something may be made again without being carried out again: give it an \`Idempotency-Key\`, any name of
1 to 255 visible characters, and repeat it with the same key and body when the answer did not come. For 24 h the answer is
what became of the first, with \`Idempotency-Replayed: true\`; another body under the same key is refused. Keys are an API
key's own, on each path. What is refused with 4xx is refused again; after 5xx the call is made anew under the same key. A
call that names no channel or command that is there, lacks the scope or is not JSON does not use the key up.

## Errors

Every failure has a code that does not change, and the same form:

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
\`application/problem+json\` in \`Accept\` a failure comes as RFC 9457 describes it.

## Events

What happens comes over Socket.io, from the same address, path \`/socket.io/\`:

\`\`\`js
const socket = io("http://localhost:3000", { auth: { apiKey } });
socket.on("connect", () => socket.emit("subscribe_channel", { channelId }));
socket.on("qr_code", ({ qrCode }) => show(qrCode));
socket.on("connection_update", ({ status }) => console.log(status));
socket.on("incoming_message", ({ from, message }) => console.log(from, message));
\`\`\`

The events are \`connection_update\`, \`qr_code\`, \`pairing_code\`, \`incoming_message\`, \`outgoing_message\` and
\`message_status_update\`. With several connectors behind a balancer, use \`transports: ["websocket"]\`.

Keep the \`seq\` of the last event of each channel, and nothing is missed: \`subscribe_channel {channelId, after: seq}\`
is answered by \`subscribed\`, whose \`seq\` is the number that what follows goes on from, then by the present state
(\`snapshot: true\`), by every event after \`after\`, and by what happens from then on: in order, without a gap, none twice.
Numbers you may not read are left out. When what follows \`after\` is not kept any more,
\`resync_required {channelId, seq}\` says where it goes on. Subscribing again with \`after\` begins anew from there. A
client that does not take what it is sent is disconnected, and comes back the same way.

Without a socket, \`GET /channels/:id/events?after=\` and \`GET /events?after=\` tell the same events, and wait for them
if \`Prefer\` says so.
`.trim();
