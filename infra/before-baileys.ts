/**
 * What has to happen before anything here loads Baileys or libsignal: the queue is bound, or the connector in the same
 * process would refuse to start, and the console no longer gets libsignal's private keys. Imported first.
 */
import "../connector/baileys/libsignal-queue.ts";
import "../connector/baileys/silence.ts";
