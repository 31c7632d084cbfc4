import { pollingResults } from "../../functions/polling-results.ts";
import { resultsTestsuite } from "./results.testsuite.ts";

resultsTestsuite({ make: (_commands, read) => pollingResults(read) });
