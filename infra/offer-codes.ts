import type { Collection } from "mongodb";
import type { ChannelDocument } from "#shared/collections.ts";
import type { Sandbox } from "./sandbox/sandbox-api.ts";

const lookEveryMs = 500;

/**
 * Shows the sandbox the QR codes that channels wait with, as a camera would see them: the simulated phone can then offer
 * them for scanning. Disposal stops it.
 */
export function offerCodes(
  channels: Collection<ChannelDocument>,
  sandbox: Pick<Sandbox, "offerQr">,
): Disposable {
  const offered = new Set<string>();
  const look = async () => {
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
  // A database that is away has no codes to show either.
  const timer = setInterval(() => void look().catch(() => undefined), lookEveryMs);
  return { [Symbol.dispose]: () => clearInterval(timer) };
}
