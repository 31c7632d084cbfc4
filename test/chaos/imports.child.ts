/** Imports the modules that its arguments name, then exits. */
for (const name of process.argv.slice(2)) await import(name);
process.exit(0);
