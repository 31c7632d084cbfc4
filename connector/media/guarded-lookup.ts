import type { LookupAddress } from "node:dns";
import type { LookupFunction } from "node:net";
import { ServiceError } from "#shared/errors.ts";
import { isPublicAddress } from "#shared/media-address.ts";

/**
 * Resolves names for a socket, and refuses (`media_not_allowed`) if any of the addresses is not public. The socket
 * connects to the addresses checked here, so DNS rebinding gains nothing. Sockets do not look up literal addresses:
 * `mediaAddressProblem` checks those.
 */
export function guardedLookup(lookup: LookupFunction): LookupFunction {
  return (hostname, options, callback) => {
    lookup(hostname, { ...options, all: true }, (error, answer, family) => {
      const addresses = asList(answer, family);
      const problem = error ?? addressProblem(addresses);
      const [first] = addresses;
      if (problem || !first) callback(problem, [], 0);
      else if (options.all) callback(null, addresses);
      else callback(null, first.address, first.family);
    });
  };
}

function asList(answer: string | LookupAddress[] | undefined, family: number | undefined): LookupAddress[] {
  if (typeof answer === "string") return [{ address: answer, family: family ?? 0 }];
  return answer ?? [];
}

function addressProblem(addresses: readonly LookupAddress[]): Error | null {
  if (addresses.length === 0)
    return new ServiceError("media_unavailable", "The host of the media URL has no address");
  const isPublic = addresses.every(({ address }) => isPublicAddress(address));
  return isPublic
    ? null
    : new ServiceError("media_not_allowed", "The host of the media URL has a private address");
}
