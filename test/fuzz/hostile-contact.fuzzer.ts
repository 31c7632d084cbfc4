import { deduplicationId } from "#connector/messages/deduplication-id.ts";
import type { SeenMessage } from "#connector/messages/from-whatsapp/from-whatsapp.ts";
import { createLog } from "#shared/log.ts";
import type { Random } from "../chaos/random.ts";
import { eventually } from "../support/eventually.ts";
import { pairedChannel } from "../support/pairing.ts";
import { startSystem } from "../support/system.ts";
import type { Fuzzer } from "./fuzzer.ts";
import { hostileStanza, type Known } from "./hostile-stanzas.ts";
import { runCases } from "./run-cases.ts";

const own = "15550100091";
const friend = "15550100092";
const stranger = "15550100093";
const stanzasMax = 12;
/** How often the product is started again after a case, so that what it journaled is recovered. */
const restartShare = 0.05;
const patience = { withinMs: 40_000, everyMs: 50 };

/**
 * A contact sends random stanzas, receipts and messages. Holds if the session never ends, the next valid message is
 * delivered, and the contact learns and changes nothing of a chat that is not theirs.
 */
export const hostileContactFuzzer: Fuzzer = {
  name: "contact",
  async run(options) {
    const { database } = options;
    const failures: string[] = [];
    const write = (line: string) => void (line.includes("session_failed") && failures.push(line));
    await using system = await startSystem({
      ...(database && { database }),
      log: createLog("error", { write }),
    });
    const { sandbox, collections } = system;
    const channel = await pairedChannel(system, own);
    const { channelId } = channel;
    const [contact, hostile] = [sandbox.account(friend), sandbox.account(stranger)];
    const secret = await sendTo();

    async function sendTo(): Promise<string> {
      const request = { to: friend, message: "Only for the friend" };
      const { body } = await system.api().post(`/channels/${channelId}/send`, request);
      const message = await contact.waitForMessage(({ id }) => id === body.payload.messageId);
      return message.id;
    }
    const knownOf = (): Known => ({
      jids: [
        channel.phone.devices()[0]?.jid ?? "",
        `${own}@s.whatsapp.net`,
        channel.phone.lid,
        `${friend}@s.whatsapp.net`,
        contact.lid,
        hostile.lid,
      ],
      ids: [secret, "3EB0ABCDEF"],
    });
    const holds = async () => {
      const { id } = await contact.sendText(own, "a valid message");
      const chat = `${friend}@s.whatsapp.net`;
      const _id = deduplicationId(channelId, { chat, sender: chat, messageId: id } as SeenMessage);
      await eventually(() => collections.events.findOne({ _id }), patience);
      if (failures.length > 0) throw new Error(`the session ended: ${failures.splice(0).join("\n")}`);
      if (hostile.inbox.length > 0) throw new Error("the hostile contact was sent a message");
      if (await collections.events.findOne({ _id: `${channelId}/${secret}/read` }))
        throw new Error("the hostile contact raised a status");
    };
    const attack = async (random: Random) => {
      const known = knownOf();
      for (let left = 1 + random.index(stanzasMax); left > 0; left--) {
        const { stanza, options: how } = hostileStanza(random, known);
        // The server takes no stanza that fits into no frame.
        await hostile.sendStanza(own, stanza, how).catch(() => undefined);
      }
      if (random.next() < restartShare) {
        await system.stop();
        await system.start();
        await channel.becomes("active");
      }
      await holds();
    };
    return await runCases(options, attack);
  },
};
