import { createLog } from "#shared/log.ts";

/** Logs one line on standard output, secrets among its fields, and exits at once. */
const log = createLog("info");
log.info({ event: "listen", url: "http://127.0.0.1:3000", apiKey: "secret" }, "functions listen");
process.exit();
