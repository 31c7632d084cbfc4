import { defaultTimings } from "#connector/timings.ts";

/** Loaded into a connector before anything else: it then runs with the timings of the test, which no setting reaches. */
Object.assign(defaultTimings, JSON.parse(process.env.TEST_TIMINGS ?? "{}"));
