import type { Db } from "mongodb";
import { onTestFinished } from "vitest";
import { type ChangeHub, createChangeHub } from "#shared/change-hub.ts";
import { quiet } from "./quiet-log.ts";

/** The changes of a database until the test is over. */
export function changesOf(db: Db, log = quiet): ChangeHub {
  const changes = createChangeHub({ db, log, withRows: true });
  onTestFinished(() => changes[Symbol.asyncDispose]());
  return changes;
}
