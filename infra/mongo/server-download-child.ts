import { MongoBinary } from "mongodb-memory-server";

/**
 * Runs mongodb-memory-server's own download in a process of its own, which can be ended at any time and whose
 * environment holds the settings. Usage: `server-download-child.ts <version> <folder>`; its last line is the path.
 */
const [version, downloadDir] = process.argv.slice(2);
if (version === undefined || downloadDir === undefined) throw new Error("usage: <version> <folder>");
try {
  const path = await MongoBinary.getPath({ version, downloadDir, checkMD5: true });
  process.stdout.write(`\n${path}\n`);
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : error}\n`);
  process.exitCode = 1;
}
