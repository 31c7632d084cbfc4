import { surviveRejections } from "#connector/unhandled-rejections.ts";
import { createLog } from "#shared/log.ts";

/** With the argument `survives`, as a connector does. */
if (process.argv[2] === "survives") surviveRejections(createLog("error"));
void Promise.reject(new Error("secret words"));
setTimeout(() => process.stdout.write("still there\n"), 50);
