import { eventually } from "./eventually.ts";
import type { OneProcess } from "./system.ts";

type ReceivedEvent = { name: string; data: Record<string, unknown> };

/** Subscribes an authenticated Socket.io client to the channels and records every event that it receives. */
export async function subscribeTo(system: OneProcess, ...channelIds: string[]) {
  const socket = system.socket();
  const received: ReceivedEvent[] = [];
  socket.onAny((name: string, data: Record<string, unknown>) => received.push({ name, data }));
  for (const channelId of channelIds) await socket.emitWithAck("subscribe_channel", { channelId });
  const named = (name: string) => received.filter((event) => event.name === name).map(({ data }) => data);
  return {
    /** The data of every event with this name so far. */
    named,
    /** Waits until an event with this name passes `test`; resolves with its data. */
    receives: (name: string, test: (data: Record<string, unknown>) => boolean = () => true) =>
      eventually(() => named(name).find(test)),
  };
}
