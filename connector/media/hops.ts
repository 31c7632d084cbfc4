import { lookup as systemLookup } from "node:dns";
// Under its bare name, Bun answers with an Agent of its own, which connects to whatever address a name has.
import { Agent, type Dispatcher } from "undici/index.js";
import { ServiceError } from "#shared/errors.ts";
import { isAllowedHost, mediaAddressProblem } from "#shared/media-address.ts";
import type { FetchMediaOptions } from "./fetched-media.ts";
import { guardedLookup } from "./guarded-lookup.ts";

/** A response that is not a redirect. Disposal closes its connection. */
export interface MediaResponse extends AsyncDisposable {
  url: URL;
  response: Dispatcher.ResponseData;
}

const redirectsMax = 3;
const redirectStatuses = new Set([301, 302, 303, 307, 308]);

/** Requests `text` and follows redirects. Every hop passes every check again. Sends nothing but the GET. */
export async function requestFollowing(
  text: string,
  options: FetchMediaOptions,
  signal: AbortSignal,
): Promise<MediaResponse> {
  let address = text;
  for (let redirects = 0; redirects <= redirectsMax; redirects += 1) {
    const hop = await request(address, options, signal);
    if (!redirectStatuses.has(hop.response.statusCode)) return hop;
    await hop[Symbol.asyncDispose]();
    address = redirectTarget(hop);
  }
  throw new ServiceError("media_unavailable", `The media URL redirects more than ${redirectsMax} times`);
}

async function request(
  address: string,
  options: FetchMediaOptions,
  signal: AbortSignal,
): Promise<MediaResponse> {
  const { allowHosts, lookup = systemLookup } = options;
  const problem = mediaAddressProblem(address, allowHosts);
  if (problem) throw new ServiceError("media_not_allowed", `The media URL ${problem}`);
  const url = new URL(address);
  const agent = new Agent({
    connect: { lookup: isAllowedHost(url, allowHosts) ? lookup : guardedLookup(lookup) },
  });
  try {
    const headers = { accept: "*/*", "accept-encoding": "identity", "user-agent": "Waypost" };
    const response = await agent.request({
      origin: url.origin,
      path: url.pathname + url.search,
      method: "GET",
      headers,
      signal,
    });
    // An unread body would otherwise throw when its connection is closed.
    response.body.on("error", () => undefined);
    return { url, response, [Symbol.asyncDispose]: () => agent.destroy() };
  } catch (error) {
    await agent.destroy();
    throw error;
  }
}

function redirectTarget({ url, response }: MediaResponse): string {
  const { location } = response.headers;
  const next = typeof location === "string" ? URL.parse(location, url.href) : null;
  if (!next) throw new ServiceError("media_unavailable", "The media URL redirects to an invalid address");
  return next.href;
}
