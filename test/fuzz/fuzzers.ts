import { documentFuzzer } from "./document.fuzzer.ts";
import type { Fuzzer } from "./fuzzer.ts";
import { hostileClientFuzzer } from "./hostile-client.fuzzer.ts";
import { hostileContactFuzzer } from "./hostile-contact.fuzzer.ts";

/** Every fuzzer that `npm run test:fuzz` runs. */
export const fuzzers: readonly Fuzzer[] = [documentFuzzer, hostileClientFuzzer, hostileContactFuzzer];
