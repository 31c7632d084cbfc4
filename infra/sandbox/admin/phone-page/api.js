/** Returns the payload of an answer, or throws its message with every problem that it lists. */
async function payloadOf(response) {
  const answer = await response.json();
  if (answer.ok) return answer.payload;
  const { message, details = [] } = answer.error;
  throw new Error([message, ...details.map((detail) => `${detail.field}: ${detail.message}`)].join(" "));
}

export async function get(path, signal) {
  return payloadOf(await fetch(`/api/${path}`, { signal }));
}

export async function send(method, path, body = {}) {
  const headers = { "content-type": "application/json" };
  return payloadOf(await fetch(`/api/${path}`, { method, headers, body: JSON.stringify(body) }));
}

export const post = (path, body) => send("POST", path, body);
