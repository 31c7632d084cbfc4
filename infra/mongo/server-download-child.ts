import { MongoBinary } from "mongodb-memory-server";

/**
 * Runs mongodb-memory-server's download in a separate process, which can be killed at any time and takes its settings
 * from the environment. Usage: `server-download-child.ts <version> <folder>`; prints the path as its last line.
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
