import { readConfig } from "#shared/config.ts";
import { runMain } from "#shared/run-main.ts";
import { type MasterKeyRotation, rotateMasterKey } from "./auth/master-key-rotation.ts";
import { rotateMessageKeys } from "./messages/message-key-rotation.ts";
import { connectorMongoClient } from "./mongo-client.ts";

/**
 * `npm run rotate-keys`: re-encrypts every channel's keys with the newest key, so that the older ones can be removed from
 * `ENCRYPTION_KEY`. Connectors may keep running.
 */
await runMain(async (_stopRequested, env) => {
  const { mongoUri, encryptionKeys } = readConfig(env, "connector");
  await using client = connectorMongoClient(mongoUri);
  const rotation = await rotateMasterKey(client.db(), encryptionKeys, (progress) =>
    say(`… ${counted(progress)}`),
  );
  say(counted(rotation));
  const messages = await rotateMessageKeys(client.db(), encryptionKeys);
  say(`Of their messages: ${counted(messages)}`);
  if (rotation.unreadable.length + messages.unreadable.length === 0)
    return say("The older keys can be removed from ENCRYPTION_KEY.");
  sayUnreadable("credentials", rotation);
  sayUnreadable("messages", messages);
  process.exitCode = 1;
});

function counted({ rewrapped, current, unreadable }: Readonly<MasterKeyRotation>): string {
  return `Channels: ${rewrapped} re-encrypted with the newest key, ${current} already were, ${unreadable.length} cannot be opened.`;
}

function sayUnreadable(what: string, { unreadable }: MasterKeyRotation): void {
  if (unreadable.length === 0) return;
  say(`No key in ENCRYPTION_KEY opens the ${what} of these channels: ${unreadable.join(", ")}`);
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
