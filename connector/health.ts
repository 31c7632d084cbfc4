import type { IncomingMessage, ServerResponse } from "node:http";
import type { Db } from "mongodb";
import { missingIndexes } from "#shared/database.ts";
import { type ErrorCode, ServiceError } from "#shared/errors.ts";
import { failureAnswer } from "#shared/failure-answer.ts";
import { remembered } from "#shared/remembered.ts";
import { requestIdOf } from "#shared/request-id.ts";
import { masterKeyId } from "./auth/envelope.ts";
import { opensAny } from "./auth/read-seals.ts";
import type { Connector } from "./connector.ts";

/** How long the state of the database is remembered: whoever asks in a loop asks this process alone. */
const rememberedMs = 1_000;
/** Where no key fits, all credentials are looked through to find out. */
const credentialsRememberedMs = 5_000;

export interface HealthOptions {
  db: Db;
  connector: Pick<Connector, "leaseState">;
  encryptionKeys: readonly Buffer[];
  retention: { eventsDays: number; messagesDays: number };
}

type Check = () => Promise<{ isHealthy: boolean; body: object }>;

/**
 * Answers `/health/live` and `/health/ready` of a connector that runs alone; everything else is `route_not_found`.
 * `OPTIONS` checks as `GET` does, because it is the method with which HAProxy checks unless told otherwise.
 */
export function healthListener({ db, connector, encryptionKeys, retention }: HealthOptions) {
  const databaseState = remembered(() => stateOf(db, retention), rememberedMs);
  const masterKeyIds = encryptionKeys.map(masterKeyId);
  const credentialsState = remembered(() => credentialsOf(db, masterKeyIds), credentialsRememberedMs);
  const checks = new Map<string, Check>([
    ["/health/live", async () => ({ isHealthy: true, body: { ok: true } })],
    [
      "/health/ready",
      async () => {
        const [database, credentials] = await Promise.all([databaseState(), credentialsState()]);
        const lease = connector.leaseState();
        const isHealthy = database === "ok" && lease === "held" && credentials === "ok";
        return { isHealthy, body: { ok: isHealthy, checks: { database, lease, credentials } } };
      },
    ],
  ]);
  return (request: IncomingMessage, response: ServerResponse): void => {
    // The rest of a body is not read.
    request.resume();
    response.setHeader("Cache-Control", "no-store");
    const check = checks.get(pathOf(request.url));
    if (!check) fail(request, response, "route_not_found");
    else if (!checkMethods.has(request.method ?? "")) {
      response.setHeader("Allow", [...checkMethods].join(", "));
      fail(request, response, "method_not_allowed");
    } else
      void check().then(({ isHealthy, body }) => {
        response.statusCode = isHealthy ? 200 : 503;
        response.setHeader("Content-Type", "application/json").end(JSON.stringify(body));
      });
  };
}

const checkMethods = new Set(["GET", "HEAD", "OPTIONS"]);

function pathOf(url = ""): string {
  return url.split("?", 1)[0] ?? "";
}

async function stateOf(db: Db, retention: HealthOptions["retention"]): Promise<string> {
  try {
    return (await missingIndexes(db, retention)).length === 0 ? "ok" : "indexes_missing";
  } catch {
    return "unreachable";
  }
}

/** `unreadable` where credentials exist and `ENCRYPTION_KEY` opens none of them. */
async function credentialsOf(db: Db, masterKeyIds: readonly string[]): Promise<string> {
  try {
    return (await opensAny(db, masterKeyIds)) ? "ok" : "unreadable";
  } catch {
    return "unreachable";
  }
}

function fail(request: IncomingMessage, response: ServerResponse, code: ErrorCode): void {
  const error = new ServiceError(code);
  const { headers, url = "" } = request;
  const requestId = requestIdOf(headers["x-request-id"]);
  const path = pathOf(url);
  const { contentType, body } = failureAnswer(error, { requestId, accept: headers.accept, path });
  response.statusCode = error.status;
  response.setHeader("Content-Type", contentType).setHeader("X-Request-Id", requestId).end(body);
}
