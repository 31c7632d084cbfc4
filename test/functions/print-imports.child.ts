import { registerHooks } from "node:module";

/** Imports the module named on the command line and prints the URL of every module that loads with it, one per line. */
const [entry] = process.argv.slice(2);
if (entry === undefined) throw new Error("usage: <module>");
const seen = new Set<string>();
registerHooks({
  resolve(specifier, context, nextResolve) {
    const resolved = nextResolve(specifier, context);
    seen.add(resolved.url);
    return resolved;
  },
});
await import(entry);
process.stdout.write([...seen].join("\n"));
