/**
 * Loaded before a script, by any Node: ends in order while the script is still being loaded, and says in words what an older Node would say with a stack. Linux and Windows get
 * Node 24 through npm; elsewhere it has to be on the path.
 */
// Until the script listens itself there is nothing to stop in order.
for (const signal of ["SIGINT", "SIGTERM"]) {
  process.once(signal, () => {
    if (process.listenerCount(signal) === 0) process.exit(0);
  });
}

if (Number.parseInt(process.versions.node, 10) < 24) {
  process.stderr.write(
    `Waypost needs Node 24 or later to run; this is Node ${process.versions.node}. On Linux and Windows "npm ci" brings it ` +
      "(unless optional dependencies are left out); elsewhere install Node 24 or later and put it on the path.\n",
  );
  process.exit(1);
}
