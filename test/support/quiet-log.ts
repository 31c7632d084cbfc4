import { createLog } from "#shared/log.ts";

/** A log that writes nothing. */
export const quiet = createLog("silent");
