import { setTimeout as delay } from "node:timers/promises";
import type { Call } from "./calls.ts";
import { nowMs } from "./clock.ts";
import type { Program } from "./program.ts";
import type { SandboxOffers } from "./sandbox.child.ts";

export interface BenchChannel {
  channelId: string;
  phoneNumber: string;
}

/** The times for which both ends of a pairing waited. */
export interface Pairing extends BenchChannel {
  qrMs: number;
  connectedMs: number;
}

const pairingAtOnce = 4;
const scansMax = 10;
const nextQrMs = 1_000;

/** A program under measurement, its linked channels, and the sandbox that it talks to. */
export class Subject {
  readonly program: Program;
  readonly sandbox: Call<SandboxOffers>;
  readonly channels: BenchChannel[] = [];
  readonly #index: number;
  #phones = 0;

  /** `index` keeps the phone numbers of two subjects apart. */
  constructor(program: Program, sandbox: Call<SandboxOffers>, index: number) {
    this.program = program;
    this.sandbox = sandbox;
    this.#index = index;
  }

  contact(index: number): string {
    return `1555${this.#index}9${String(index).padStart(5, "0")}`;
  }

  /** Creates a channel and links it to a phone of its own; its events arrive from then on. */
  async pair(): Promise<Pairing> {
    const { client } = this.program;
    const phoneNumber = `1555${this.#index}1${String(this.#phones++).padStart(5, "0")}`;
    const channelId = await client.createChannel(phoneNumber);
    await client.subscribe(channelId);
    const isOwn = (data: { channelId?: string }) => data.channelId === channelId;
    const shown = client.heard((name, data) => name === "qr_code" && isOwn(data));
    const askedAt = nowMs();
    await client.connect(channelId);
    const qrMs = (await shown) - askedAt;
    const active = client.heard(
      (name, data) => name === "connection_update" && isOwn(data) && data.status === "active",
    );
    const scannedAt = await this.#scan(channelId, phoneNumber);
    const connectedMs = (await active) - scannedAt;
    this.channels.push({ channelId, phoneNumber });
    return { channelId, phoneNumber, qrMs, connectedMs };
  }

  /** A QR may have been replaced by the time that the phone scans it: the next one will do. */
  async #scan(channelId: string, phoneNumber: string): Promise<number> {
    for (let scans = 1; ; scans++) {
      const qr = await this.program.client.qr(channelId);
      try {
        return await this.sandbox("scan", phoneNumber, qr);
      } catch (error) {
        if (scans === scansMax) throw error;
        await delay(nextQrMs);
      }
    }
  }

  /** Links channels until there are `count`. */
  async pairUntil(count: number): Promise<void> {
    let missing = count - this.channels.length;
    const work = async () => {
      while (missing-- > 0) await this.pair();
    };
    await Promise.all(Array.from({ length: pairingAtOnce }, work));
  }
}
