// In this order, before Baileys loads: they check Node, give it keys as KeyObjects, bind libsignal's queue, silence its console, undo its
// failed trials, replace its signatures and bound the programs that Baileys runs. Bun needs this module as a preload: of a
// module's imports it loads those in CommonJS first, and Baileys keeps what they exported then.
import "./node-version.ts";
import "./key-objects.ts";
import "./libsignal-queue.ts";
import "./silence-console.ts";
import "./libsignal-trials.ts";
import "./libsignal-signatures.ts";
import "./bounded-programs.ts";
