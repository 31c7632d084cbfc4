import type { Collection } from "mongodb";
import type { ChannelDocument } from "#shared/collections.ts";
import type { Sandbox } from "./sandbox/sandbox-api.ts";

const pollEveryMs = 500;

/**
 * Passes the QR codes of waiting channels to the sandbox, as a camera would, so that the simulated phone can offer them
 * for scanning. Disposal stops it.
 */
export function offerQrCodes(
  channels: Collection<ChannelDocument>,
  sandbox: Pick<Sandbox, "offerQr">,
): Disposable {
  const offered = new Set<string>();
  const poll = async () => {
    const waiting = await channels
      .find({ "pairing.kind": "qr" }, { projection: { "pairing.text": 1 } })
      .toArray();
    const texts = new Set(waiting.flatMap(({ pairing }) => (pairing ? [pairing.text] : [])));
    for (const text of offered.difference(texts)) offered.delete(text);
    for (const text of texts.difference(offered)) {
      offered.add(text);
      sandbox.offerQr(text);
    }
  };
  // While the database is unreachable there are no codes to offer.
  const timer = setInterval(() => void poll().catch(() => undefined), pollEveryMs);
  return { [Symbol.dispose]: () => clearInterval(timer) };
}
