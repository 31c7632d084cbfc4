/**
 * Preloaded before a script, by any version of Node: exits cleanly on a signal while the script is still loading, and
 * names the required version where an older Node would only print a stack trace. npm installs Node 24 on Linux and
 * Windows; elsewhere it must be on the PATH.
 */
// As soon as the script listens for signals itself, it decides.
for (const signal of ["SIGINT", "SIGTERM"]) {
  process.once(signal, () => {
    if (process.listenerCount(signal) === 0) process.exit(0);
  });
}

if (Number.parseInt(process.versions.node, 10) < 24) {
  process.stderr.write(
    `Waypost needs Node 24 or later; this is Node ${process.versions.node}. On Linux and Windows, "npm ci" installs ` +
      "it (unless optional dependencies are omitted); elsewhere, install Node 24 or later and put it on the PATH.\n",
  );
  process.exit(1);
}
