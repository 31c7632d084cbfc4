/**
 * What this process prints, from when this is imported, which a test does before anything else: whatever the product
 * puts on top of the console stands on this. The console and the streams beneath it, since Vitest has taken the one for
 * itself.
 */
export const printed: string[] = [];

for (const method of ["debug", "error", "info", "log", "warn"] as const) {
  console[method] = (...values: unknown[]) => void printed.push(values.map(String).join(" "));
}

for (const stream of [process.stdout, process.stderr]) {
  stream.write = (chunk: string | Uint8Array) => printed.push(String(chunk)) > 0;
}
