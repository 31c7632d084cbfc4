/** Gives every repetition of a request under one `Idempotency-Key` the same ids or the same refusal. */

import { ServiceError } from "#shared/errors.ts";
import type { KeyedRequest, KeyedRequests } from "./keyed-request.ts";

/** The ids of what a request creates, the same for every repetition. */
interface Decided<I> {
  ids: I;
  /** An earlier request was accepted with these ids; what it creates may already exist. */
  isRepeated: boolean;
  /** When it was created, if recorded. */
  doneAt: Date | null;
}

/** Lets a request and its repetitions have one effect. */
export interface Once {
  /** The client can repeat the request without a second effect, so an unconfirmed write may be answered as retryable. */
  isKeyed: boolean;
  /**
   * Stores the ids that `propose` returns, before anything is created under them; `propose` throws to refuse the request,
   * and the refusal is stored too. When an earlier request was decided, its ids are returned or its refusal is thrown.
   */
  decide<I extends Record<string, string>>(propose: () => I): Promise<Decided<I>>;
  /** Refuses a request that was accepted: throws the refusal, here and at every repetition. */
  refuse(refusal: ServiceError): Promise<never>;
  /** Records the creation, because what was created may be gone at the next repetition. */
  finish(doneAt: Date): Promise<void>;
}

/** A request without a key: nothing is stored. */
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
  /** Called when an earlier request decides the answer. */
  onRepeated(): void;
}

/** A request under an `Idempotency-Key`. */
export interface KeyedOnce extends Once {
  /** Reads whether an earlier request was decided. Throws its refusal, or `idempotency_key_reused`. */
  recall(): Promise<void>;
  /** Stores the refusal of a request that is not decided yet. */
  storeRefusal(refusal: ServiceError): Promise<void>;
}

/** Handles the request with this id; `hash` recognises a different request under the same id. */
export function keyedOnce({ requests, id, hash, onRepeated }: KeyedOptions): KeyedOnce {
  let accepted: KeyedRequest | null = null;
  let isDecided = false;

  const replay = (request: KeyedRequest) => {
    isDecided = true;
    if (request.hash !== hash) throw new ServiceError("idempotency_key_reused");
    onRepeated();
    if (!request.refusal) return request;
    const { code, message, ...rest } = request.refusal;
    throw new ServiceError(code, message, rest);
  };
  const store = async (request: KeyedRequest) => {
    const earlier = await requests.rememberRequest(id, request);
    isDecided = true;
    return earlier;
  };

  return {
    isKeyed: true,
    async recall() {
      const earlier = await requests.findRequest(id);
      if (earlier) accepted = replay(earlier);
    },
    async decide<I extends Record<string, string>>(propose: () => I): Promise<Decided<I>> {
      if (!accepted) {
        const { request, failure } = requestOf(hash, propose);
        const earlier = await store(request);
        if (!earlier && failure) throw failure;
        if (!earlier) return { ids: request.ids as I, isRepeated: false, doneAt: null };
        accepted = replay(earlier);
      }
      // A route always proposes ids of the same names.
      return { ids: accepted.ids as I, isRepeated: true, doneAt: accepted.doneAt ?? null };
    },
    async refuse(refusal) {
      await requests.refuseRequest(id, storableRefusal(refusal));
      throw refusal;
    },
    finish: (doneAt) => requests.finishRequest(id, doneAt),
    async storeRefusal(refusal) {
      if (!isDecided) await store({ hash, refusal: storableRefusal(refusal) });
    },
  };
}

/** The request to store: accepted with the proposed ids, or refused with what `propose` threw. */
function requestOf(hash: string, propose: () => Record<string, string>) {
  try {
    return { request: { hash, ids: propose() }, failure: null };
  } catch (failure) {
    if (!(failure instanceof ServiceError)) throw failure;
    return { request: { hash, refusal: storableRefusal(failure) }, failure };
  }
}

function storableRefusal({ code, message, details, retryable }: ServiceError) {
  return { code, message, retryable, ...(details && { details }) };
}
