import { documentFuzzer } from "./document.fuzzer.ts";
import type { Fuzzer } from "./fuzzer.ts";

/** Every fuzzer that `npm run test:fuzz` runs. */
export const fuzzers: readonly Fuzzer[] = [documentFuzzer];
