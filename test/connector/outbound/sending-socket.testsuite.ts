import { describe, expect, test } from "vitest";
import type { WASocket } from "#connector/baileys/baileys.ts";
import { relay } from "#connector/outbound/relay.ts";

/** The conditions that the next message meets. */
export interface Conditions {
  /** The server accepts it, refuses it with a code, or does not answer. */
  ack: "sent" | number | null;
  /** Where relaying it fails; null: nowhere. */
  failure: "before the wire" | "after the wire" | null;
}

export interface SendingSocket {
  /** A contact on WhatsApp, and a number that is not. */
  contact: string;
  unregistered: string;
  /** An open socket under these conditions. */
  under(conditions: Conditions): WASocket;
}

const message = { conversation: "Hello" };
let sent = 0;

/** The behaviour of Baileys' socket that sending relies on. */
export function sendingSocketTestsuite(socket: () => SendingSocket): void {
  const send = (conditions: Conditions, ackMs = 5_000) => {
    const { under, contact: to } = socket();
    const open = { wa: under(conditions), gone: new AbortController().signal };
    const prepared = { to, jid: to, type: "text" as const, message };
    return relay(open, `3EB0${++sent}`, prepared, { ackMs, onAck: () => undefined });
  };

  describe("a relay", () => {
    test("that the server accepts is on the wire and `sent`", async () => {
      const { written, outcome } = send({ ack: "sent", failure: null });
      expect(await outcome).toEqual({ kind: "sent" });
      expect(await written).toEqual({ isOnWire: true });
    });

    test("that the server refuses is on the wire and `refused` with its code", async () => {
      const { written, outcome } = send({ ack: 463, failure: null });
      expect(await outcome).toEqual({ kind: "refused", whatsappCode: 463 });
      expect(await written).toEqual({ isOnWire: true });
    });

    test("that the server does not answer is on the wire and `unknown`", async () => {
      const { written, outcome } = send({ ack: null, failure: null }, 500);
      expect(await written).toEqual({ isOnWire: true });
      expect(await outcome).toEqual({ kind: "unknown" });
    });

    test("that fails before the wire has an error and no outcome", async () => {
      const { written, outcome } = send({ ack: "sent", failure: "before the wire" });
      expect(await written).toEqual({ isOnWire: false, error: expect.any(Error) });
      expect(await outcome).toBeNull();
    });

    test("that fails after the wire has an error, and the outcome of its acknowledgement", async () => {
      const { written, outcome } = send({ ack: "sent", failure: "after the wire" });
      expect(await written).toEqual({ isOnWire: true, error: expect.any(Error) });
      expect(await outcome).toEqual({ kind: "sent" });
    });

    test("that fails after the wire is `unknown` without an acknowledgement", async () => {
      const { written, outcome } = send({ ack: null, failure: "after the wire" }, 500);
      expect(await written).toEqual({ isOnWire: true, error: expect.any(Error) });
      expect(await outcome).toEqual({ kind: "unknown" });
    });
  });

  test("a lookup finds a registered number, and does not find another", async () => {
    const { under, contact, unregistered } = socket();
    const wa = under({ ack: "sent", failure: null });
    const isRegistered = async (jid: string) => (await wa.onWhatsApp(jid))?.[0]?.exists ?? false;
    expect([await isRegistered(contact), await isRegistered(unregistered)]).toEqual([true, false]);
  });
}
