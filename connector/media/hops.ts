import { lookup as systemLookup } from "node:dns";
import { Agent, type Dispatcher } from "undici";
import { ServiceError } from "#shared/errors.ts";
import { isAllowedHost, mediaAddressProblem } from "#shared/media-address.ts";
import type { FetchMediaOptions } from "./fetched-media.ts";
import { guardedLookup } from "./guarded-lookup.ts";

/** The answer that is not a redirect. Disposal closes the connections. */
export interface MediaAnswer extends AsyncDisposable {
  url: URL;
  response: Dispatcher.ResponseData;
}

const redirectsMax = 3;
const redirectStatuses = new Set([301, 302, 303, 307, 308]);

/** Asks for `text`, and follows redirects; every hop passes every check anew. Nothing is sent but the GET. */
export async function askFollowing(
  text: string,
  options: FetchMediaOptions,
  signal: AbortSignal,
): Promise<MediaAnswer> {
  let address = text;
  for (let redirects = 0; redirects <= redirectsMax; redirects += 1) {
    const answer = await ask(address, options, signal);
    if (!redirectStatuses.has(answer.response.statusCode)) return answer;
    await answer[Symbol.asyncDispose]();
    address = redirectTarget(answer);
  }
  throw new ServiceError(
    "media_unavailable",
    `The media's address redirects more than ${redirectsMax} times`,
  );
}

async function ask(address: string, options: FetchMediaOptions, signal: AbortSignal): Promise<MediaAnswer> {
  const { allowHosts, lookup = systemLookup } = options;
  const problem = mediaAddressProblem(address, allowHosts);
  if (problem) throw new ServiceError("media_not_allowed", `The media's address ${problem}`);
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
    // A body that nobody reads would otherwise throw when its connection is closed.
    response.body.on("error", () => undefined);
    return { url, response, [Symbol.asyncDispose]: () => agent.destroy() };
  } catch (error) {
    await agent.destroy();
    throw error;
  }
}

function redirectTarget({ url, response }: MediaAnswer): string {
  const { location } = response.headers;
  const next = typeof location === "string" ? URL.parse(location, url.href) : null;
  if (!next) throw new ServiceError("media_unavailable", "The media's address redirects to nowhere");
  return next.href;
}
