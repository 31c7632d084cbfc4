import { AsyncResource } from "node:async_hooks";
import { createRequire } from "node:module";

/**
 * libsignal has one job queue per process and runs queued jobs in the async context of the first caller, so a job of
 * one channel can run inside another channel's key transaction. 13–35 % of first sends to a contact failed that way
 * (measured). This module binds each job to its own caller. It must be imported before anything that imports Baileys,
 * and works only unbundled: a bundler would inline the queue.
 */
type Work = () => Promise<unknown>;
type QueueJob = (bucket: unknown, work: Work) => Promise<unknown>;

const bound = Symbol.for("waypost.libsignal-queue");
const here = createRequire(import.meta.url);
const baileys = createRequire(here.resolve("@whiskeysockets/baileys"));
const queuePath = baileys.resolve("libsignal/src/queue_job.js");
const userPath = baileys.resolve("libsignal/src/session_cipher.js");

function bindQueue(): void {
  const queueJob = baileys(queuePath) as QueueJob;
  if (bound in queueJob) return;
  if (baileys.cache[userPath]) throw new Error("libsignal was loaded before its queue could be bound.");
  const module = baileys.cache[queuePath];
  if (!module) throw new Error("libsignal's queue was not found in the module cache.");
  const patched: QueueJob = (bucket, work) => queueJob(bucket, AsyncResource.bind(work));
  module.exports = Object.assign(patched, { [bound]: true });
}

/** Throws unless every libsignal job runs in its caller's async context. */
export function assertLibsignalQueueBound(): void {
  if (bound in (baileys(queuePath) as QueueJob)) return;
  throw new Error(
    "libsignal's queue is not bound to its callers; many channels in one process would be unsafe.",
  );
}

bindQueue();
