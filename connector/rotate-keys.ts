import { readConfig } from "#shared/config.ts";
import { runMain } from "#shared/process.ts";
import { type MasterKeyRotation, rotateMasterKey } from "./auth/master-key-rotation.ts";
import { connectorMongoClient } from "./mongo-client.ts";

/** `npm run rotate-keys`: after it the older keys can be taken out of `ENCRYPTION_KEY`. Connectors may run meanwhile. */
await runMain(async () => {
  const { mongoUri, encryptionKeys } = readConfig(process.env, "connector");
  await using client = connectorMongoClient(mongoUri);
  const rotation = await rotateMasterKey(client.db(), encryptionKeys, (so) => say(`… ${counted(so)}`));
  say(counted(rotation));
  if (rotation.unreadable.length === 0) return say("Older keys can be taken out of ENCRYPTION_KEY.");
  say(`None of the keys in ENCRYPTION_KEY opens: ${rotation.unreadable.join(", ")}`);
  process.exitCode = 1;
});

function counted({ rewrapped, current, unreadable }: Readonly<MasterKeyRotation>): string {
  return `Channels: ${rewrapped} encrypted with the newest key now, ${current} already were, ${unreadable.length} cannot be opened.`;
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
