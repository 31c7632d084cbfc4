/**
 * What has to happen before anything here loads Baileys or libsignal: the queue is bound, or the connector in the same
 * process would refuse to start, the console no longer gets libsignal's private keys, and phones read as real ones do. Imported first.
 */
import "#connector/baileys/libsignal-queue.ts";
import "#connector/baileys/silence.ts";
import "#connector/baileys/libsignal-trials.ts";
