import { randomUUID } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Db } from "mongodb";
import { missingIndexes } from "#shared/database.ts";
import { errorEnvelope, ServiceError } from "#shared/errors.ts";
import type { Connector } from "./connector.ts";

export interface HealthOptions {
  db: Db;
  connector: Pick<Connector, "leaseState">;
  retention: { eventsDays: number; messagesDays: number };
}

type Answer = { status: number; body: object };

/** `GET /health/live` and `GET /health/ready` of a connector that runs alone; everything else is 404. */
export function healthListener(options: HealthOptions) {
  return (request: IncomingMessage, response: ServerResponse): void => {
    const path = request.url?.split("?", 1)[0] ?? "";
    const requestId = randomUUID();
    void answer(path, options, requestId).then(({ status, body }) => {
      response.writeHead(status, {
        "content-type": "application/json",
        "cache-control": "no-store",
        "x-request-id": requestId,
      });
      response.end(JSON.stringify(body));
    });
  };
}

async function answer(path: string, options: HealthOptions, requestId: string): Promise<Answer> {
  if (path === "/health/live") return { status: 200, body: { ok: true } };
  if (path === "/health/ready") return ready(options);
  const error = new ServiceError("route_not_found");
  return { status: error.status, body: errorEnvelope(error, requestId) };
}

async function ready({ db, connector, retention }: HealthOptions): Promise<Answer> {
  const database = await missingIndexes(db, retention).then(
    (missing) => (missing.length === 0 ? "ok" : "indexes_missing"),
    () => "unreachable",
  );
  const lease = connector.leaseState();
  const isReady = database === "ok" && lease === "held";
  return { status: isReady ? 200 : 503, body: { ok: isReady, checks: { database, lease } } };
}
