import { lockDataFolder } from "#infra/mongo/data-lock.ts";

/** Locks the data folder named on the command line and holds it until killed. */
const [folder] = process.argv.slice(2);
if (folder === undefined) throw new Error("usage: <folder>");
await lockDataFolder(folder);
process.stdout.write("held\n");
setInterval(() => {}, 60_000);
