import { ServiceError } from "#shared/errors.ts";
import type { KeyedRequest, KeyedRequests } from "./keyed-request.ts";

/** What a request makes, under ids that are the same at every repetition. */
interface Decided<I> {
  ids: I;
  /** Somebody decided so before; what it makes may be there already. */
  isRepeated: boolean;
  /** When it was made, if that was noted. */
  doneAt: Date | null;
}

/** How a request sees to it that what it asks for happens once. */
export interface Once {
  /** It may come again, so it need not be answered with certainty at all costs. */
  isKeyed: boolean;
  /**
   * Fixes the ids of what the request makes, before it is made. `propose` throws what refuses the request; that too is
   * the same at every repetition. Neither counts when the request was decided before.
   */
  decide<I extends Record<string, string>>(propose: () => I): Promise<Decided<I>>;
  /** Throws the refusal, and again at every repetition, although the request was accepted first. */
  refuse(refusal: ServiceError): Promise<never>;
  /** Notes that it is made, for when it may be gone at the next repetition. */
  finish(doneAt: Date): Promise<void>;
}

/** For a request without a key: it is on its own. */
export const unkeyed: Once = {
  isKeyed: false,
  decide: async (propose) => ({ ids: propose(), isRepeated: false, doneAt: null }),
  refuse: (refusal) => Promise.reject(refusal),
  finish: async () => undefined,
};

interface KeyedOptions {
  requests: KeyedRequests;
  id: string;
  hash: string;
  /** Called when the answer will be that of an earlier request. */
  repeated(): void;
}

/** A request under a key. */
export interface KeyedOnce extends Once {
  /** Looks whether it was decided before. Throws what it was refused for, or `idempotency_key_reused`. */
  recall(): Promise<void>;
  /** Keeps what refused the request, unless it was decided by now. */
  keepRefusal(refusal: ServiceError): Promise<void>;
}

export function keyedOnce({ requests, id, hash, repeated }: KeyedOptions): KeyedOnce {
  let standing: KeyedRequest | null = null;
  let isDecided = false;

  const follow = (request: KeyedRequest) => {
    isDecided = true;
    if (request.hash !== hash) throw new ServiceError("idempotency_key_reused");
    repeated();
    if (!request.refusal) return request;
    const { code, message, ...rest } = request.refusal;
    throw new ServiceError(code, message, rest);
  };
  const remember = async (request: KeyedRequest) => {
    const earlier = await requests.rememberRequest(id, request);
    isDecided = true;
    return earlier;
  };

  return {
    isKeyed: true,
    async recall() {
      const earlier = await requests.findRequest(id);
      if (earlier) standing = follow(earlier);
    },
    async decide<I extends Record<string, string>>(propose: () => I): Promise<Decided<I>> {
      if (!standing) {
        const { request, failure } = proposed(hash, propose);
        const earlier = await remember(request);
        if (!earlier && failure) throw failure;
        if (!earlier) return { ids: request.ids as I, isRepeated: false, doneAt: null };
        standing = follow(earlier);
      }
      // A route always proposes ids of the same names.
      return { ids: standing.ids as I, isRepeated: true, doneAt: standing.doneAt ?? null };
    },
    async refuse(refusal) {
      await requests.refuseRequest(id, keptOf(refusal));
      throw refusal;
    },
    finish: (doneAt) => requests.finishRequest(id, doneAt),
    async keepRefusal(refusal) {
      if (!isDecided) await remember({ hash, refusal: keptOf(refusal) });
    },
  };
}

function proposed(hash: string, propose: () => Record<string, string>) {
  try {
    return { request: { hash, ids: propose() }, failure: null };
  } catch (failure) {
    if (!(failure instanceof ServiceError)) throw failure;
    return { request: { hash, refusal: keptOf(failure) }, failure };
  }
}

function keptOf({ code, message, details, retryable }: ServiceError) {
  return { code, message, retryable, ...(details && { details }) };
}
