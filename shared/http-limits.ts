/** The bounds of every HTTP server, before anyone has authenticated. Tests shorten them. */
export interface HttpLimits {
  /** How long the headers of a request may take, also the first ones of a connection. */
  headersMs: number;
  /** How long a request may take to arrive, its body included. */
  requestMs: number;
  /** How often the two above are checked. */
  checkMs: number;
  /** How long nothing may be read or written while a request is answered: a client that does not read is cut. */
  silenceMs: number;
  headerBytesMax: number;
  /** Requests of one connection that are not answered yet. Hardly any client sends one before the last is answered. */
  unansweredMax: number;
  connectionsMax: number;
}

export const defaultHttpLimits: HttpLimits = {
  headersMs: 10_000,
  requestMs: 30_000,
  checkMs: 1_000,
  silenceMs: 120_000,
  headerBytesMax: 16 * 1024,
  unansweredMax: 4,
  connectionsMax: 20_000,
};
