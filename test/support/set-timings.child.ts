import { defaultTimings } from "#connector/timings.ts";

/** Preloaded into a connector: sets the test's timings, which no setting covers. */
Object.assign(defaultTimings, JSON.parse(process.env.TEST_TIMINGS ?? "{}"));
