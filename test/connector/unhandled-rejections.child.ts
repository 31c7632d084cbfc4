import { surviveRejections } from "#connector/unhandled-rejections.ts";
import { createLog } from "#shared/log.ts";

/** Rejects a promise that nothing awaits; survives that only with the argument `survives`. */
if (process.argv[2] === "survives") surviveRejections(createLog("error"));
void Promise.reject(new Error("secret words"));
setTimeout(() => process.stdout.write("still there\n"), 50);
