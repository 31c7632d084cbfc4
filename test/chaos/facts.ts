import type { DecryptFailure } from "#infra/sandbox/ledger/failures.ts";
import type { IncomingRecord } from "#infra/sandbox/ledger/incoming.ts";
import type { OutgoingRecord } from "#infra/sandbox/ledger/outgoing.ts";
import type { Overlap, SocketRecord } from "#infra/sandbox/ledger/sockets.ts";
import type { CommandDocument, EventDocument, MessageDocument } from "#shared/collections.ts";
import type { SupervisedProcesses } from "../support/system.ts";
import type { ChaosChannel } from "./channels.ts";
import type { InjectedFault } from "./inject-faults.ts";
import type { Inbound } from "./load.ts";
import type { Send } from "./sends.ts";
import type { EventClient } from "./socket-clients.ts";
import type { Unlinking } from "./unlinkings.ts";

/** Everything the checks need: what was requested, what the product recorded, and what the sandbox observed. */
export interface Facts {
  channels: readonly ChaosChannel[];
  outcomes: readonly Outcome[];
  inbound: readonly Inbound[];
  faults: readonly InjectedFault[];
  clients: readonly EventClient[];
  unlinkings: readonly Unlinking[];
  /** Every event of the log, by channel, in order of `seq`. */
  events: ReadonlyMap<string, EventDocument[]>;
  /** Every row of `messages`. */
  messages: readonly Pick<MessageDocument, "channelId" | "messageId" | "direction" | "text">[];
  /** The messages offered to each linked device. */
  incoming: readonly IncomingRecord[];
  sockets: readonly SocketWithProcess[];
  overlaps: readonly Overlap[];
  reusedRatchetCounters: number;
  decryptFailures: readonly DecryptFailure[];
}

/** One send with its command and its stanzas. */
export interface Outcome {
  send: Send;
  /** Null when none was inserted. */
  command: CommandDocument | null;
  /** The sandbox's records of it, one per message id, refused ones included; at most one if all is well. */
  wire: readonly OutgoingRecord[];
}

/** A socket, and the connector through whose proxy it was opened. */
export type SocketWithProcess = SocketRecord & { process: string | null };

export async function gatherFacts(
  system: SupervisedProcesses,
  channels: readonly ChaosChannel[],
  run: Pick<Facts, "inbound" | "faults" | "clients" | "unlinkings"> & { sends: readonly Send[] },
): Promise<Facts> {
  const { ledger, counts } = system.sandbox;
  const { sends, ...rest } = run;
  const events = await system.collections.events
    .find({ seq: { $exists: true } })
    .sort({ channelId: 1, seq: 1 })
    .toArray();
  return {
    channels,
    outcomes: await outcomesOf(system, sends),
    ...rest,
    events: Map.groupBy(events, ({ channelId }) => channelId),
    messages: await system.collections.messages
      .find({}, { projection: { channelId: 1, messageId: 1, direction: 1, text: 1 } })
      .toArray(),
    incoming: ledger.incoming(),
    sockets: ledger.sockets().map((socket) => ({ ...socket, process: processOf(system, socket) })),
    overlaps: ledger.overlaps(),
    reusedRatchetCounters: counts.reusedRatchetCounters,
    decryptFailures: ledger.decryptFailures(),
  };
}

async function outcomesOf(system: SupervisedProcesses, sends: readonly Send[]): Promise<Outcome[]> {
  const commands = await system.collections.commands.find({ type: "message.send" }).toArray();
  const byId = new Map(commands.map((command) => [String(command._id), command]));
  const byMessage = new Map(
    commands.map((command) => [`${command.channelId} ${command.messageId}`, command]),
  );
  const wire = system.sandbox.ledger.outgoing();
  const byText = Map.groupBy(wire, ({ text }) => text ?? "");
  const byKey = new Map(wire.map((record) => [`${record.from} ${record.id}`, record]));
  return sends.map((send) => {
    const { commandId, messageId, channel } = send;
    const command =
      byId.get(commandId ?? "") ?? byMessage.get(`${channel.channelId} ${messageId ?? "-"}`) ?? null;
    const seen = new Set(byText.get(send.text));
    const own = byKey.get(`${channel.phone.phoneNumber} ${command?.messageId}`);
    if (own) seen.add(own);
    return { send, command, wire: [...seen] };
  });
}

const toleranceMs = 2_000;

/** Finds the proxy's last call from this port before the socket opened: ports are reused. */
function processOf(
  { connectors }: SupervisedProcesses,
  { remotePort, openedAt }: SocketRecord,
): string | null {
  let found: { name: string; at: number } | null = null;
  for (const { name, whatsapp } of connectors) {
    for (const { port, at } of whatsapp?.calls ?? []) {
      if (port === remotePort && at <= openedAt + toleranceMs && at > (found?.at ?? 0)) found = { name, at };
    }
  }
  return found?.name ?? null;
}
