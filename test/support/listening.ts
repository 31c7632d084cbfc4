import { eventually } from "./eventually.ts";
import type { OneProcess } from "./system.ts";

type Heard = { name: string; data: Record<string, unknown> };

/** Everything a signed-in socket hears of some channels, in order. */
export async function listenTo(system: OneProcess, ...channelIds: string[]) {
  const socket = system.socket();
  const heard: Heard[] = [];
  socket.onAny((name: string, data: Record<string, unknown>) => heard.push({ name, data }));
  for (const channelId of channelIds) await socket.emitWithAck("subscribe_channel", { channelId });
  const of = (name: string) => heard.filter((one) => one.name === name).map(({ data }) => data);
  return {
    heard,
    of,
    hears: (name: string, test: (data: Record<string, unknown>) => boolean = () => true) =>
      eventually(() => of(name).find(test), { withinMs: 20_000 }),
  };
}
