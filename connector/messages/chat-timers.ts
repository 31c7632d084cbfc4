import { createBoundedCache } from "#shared/bounded-cache.ts";
import type { ChatDocument } from "#shared/collections.ts";
import type { Collections } from "#shared/database.ts";
import { normaliseJid } from "#shared/jid.ts";
import type { WAMessage } from "../baileys/baileys.ts";
import type { Parties } from "./parties.ts";
import { type ChatTimer, type SeenChat, timerInChat, timerInMessage } from "./timer-from-whatsapp.ts";

/** The timers of a channel's chats with disappearing messages, as last seen. A row only moves to a newer setting. */
export interface ChatTimers {
  /** Learns from messages, received or written on the phone. Resolves when what they tell is stored. */
  learn(messages: readonly Pick<WAMessage, "key" | "message" | "messageTimestamp">[]): Promise<void>;
  /** Learns from the phone's list of chats. Resolves when what it tells is stored. */
  learnChats(chats: readonly SeenChat[]): Promise<void>;
  /**
   * The timer of a person's chat under any address of theirs, by all that was learned before; null when messages stay. Reads a
   * chat once.
   */
  of(jid: string): Promise<ChatTimer | null>;
}

/** A setting, with the chat that has it. */
type Seen = ChatTimer & { chat: string };

const rememberedMax = 10_000;
const writesMax = 500;
const off: ChatTimer = { seconds: 0, setAt: 0 };

export function createChatTimers(
  { chats }: Pick<Collections, "chats">,
  channelId: string,
  parties: Pick<Parties, "addressesOf">,
): ChatTimers {
  const known = createBoundedCache<ChatTimer>(rememberedMax);
  const rowId = (chat: string) => `${channelId}/${chat}`;
  /** Settles with the last write. */
  let written: Promise<void> = Promise.resolve();

  /** A timer that goes on is no news: each message under it tells it again. */
  const isNews = ({ chat, seconds, setAt }: Seen) => {
    const before = known.get(chat);
    if (!before) return true;
    const goesOn = seconds > 0 && before.seconds === seconds;
    if (goesOn && before.setAt < setAt) known.set(chat, { seconds, setAt });
    return !goesOn && before.setAt <= setAt;
  };
  const read = async (addresses: readonly string[]) => {
    const unknown = addresses.filter((chat) => !known.has(chat));
    if (unknown.length === 0) return;
    const rows = await chats.find({ _id: { $in: unknown.map(rowId) } }).toArray();
    const timers = new Map(rows.map((row) => [row.chat, timerOf(row)]));
    // A timer that was learned meanwhile is newer.
    for (const chat of unknown) if (!known.has(chat)) known.set(chat, timers.get(chat) ?? off);
  };
  const write = async (seen: readonly Seen[]) => {
    await read([...new Set(seen.map(({ chat }) => chat))]);
    const news = new Map<string, ChatTimer>();
    for (const one of seen) {
      if (!isNews(one)) continue;
      const { chat, ...timer } = one;
      known.set(chat, timer);
      news.set(chat, timer);
    }
    const updates = [...news].map(([chat, timer]) => ({
      updateOne: {
        filter: { _id: rowId(chat) },
        update: [{ $set: { channelId, chat, ...ifNewer(timer) } }],
        upsert: true,
      },
    }));
    if (updates.length > 0) await chats.bulkWrite(updates, { ordered: false });
  };
  const learn = async (seen: readonly Seen[]) => {
    const news = seen.filter(isNews);
    for (let from = 0; from < news.length; from += writesMax) {
      const part = news.slice(from, from + writesMax);
      written = written.catch(() => undefined).then(() => write(part));
      written.catch(() => undefined);
    }
    if (news.length > 0) await written;
  };

  return {
    learn: (messages) => learn(messages.flatMap((message) => timerInMessage(message) ?? [])),
    learnChats: (seen) => learn(seen.flatMap((chat) => timerInChat(chat) ?? [])),
    async of(jid) {
      await written.catch(() => undefined);
      const addresses = await parties.addressesOf(normaliseJid(jid) ?? jid);
      await read(addresses);
      const timers = addresses.map((address) => known.get(address) ?? off);
      const last = timers.reduce((one, other) => (other.setAt > one.setAt ? other : one), off);
      return last.seconds > 0 ? last : null;
    },
  };
}

/** Sets the timer unless the row has a newer one. */
function ifNewer({ seconds, setAt }: ChatTimer) {
  const disappearing = { seconds, setAt: new Date(setAt) };
  const isNewer = { $gte: [disappearing.setAt, "$disappearing.setAt"] };
  return { disappearing: { $cond: [isNewer, disappearing, "$disappearing"] } };
}

function timerOf({ disappearing }: ChatDocument): ChatTimer {
  return { seconds: disappearing.seconds, setAt: disappearing.setAt.getTime() };
}
