/**
 * Patches libsignal. Must be imported before anything that loads libsignal or Baileys. Binds the job queue (otherwise
 * the connector in the same process refuses to start), keeps private keys off the console, undoes failed session trials,
 * so that simulated phones decrypt as real ones do, and makes invalid signatures throw.
 */
import "#connector/baileys/libsignal-queue.ts";
import "#connector/baileys/silence-console.ts";
import "#connector/baileys/libsignal-trials.ts";
import "#connector/baileys/libsignal-signatures.ts";
