import { type Answer, ask } from "./ask.ts";
import { type BinaryNode, jidDecode, type SignalKeyStore, type WASocket } from "./baileys.ts";

/** Completes a login that WhatsApp has accepted. Resolves when the socket may count as open. */
export type PrepareLogin = () => Promise<void>;

const accepted = "CB:success";

/**
 * Replaces what Baileys does when WhatsApp accepts a login. Baileys asks three questions one after the other, waits 30 s for
 * each, and only then reports the socket as open. Call it before anything else listens to the socket.
 */
export function replaceLogin(wa: WASocket, prepare: PrepareLogin): void {
  const [baileys, ...others] = wa.ws.listeners(accepted);
  if (!baileys || others.length > 0) throw new Error("Baileys does not handle a login as expected");
  wa.ws.off(accepted, baileys as () => void);
  wa.ws.on(accepted, (node: BinaryNode) => {
    wa.updateServerTimeOffset(node);
    // A socket that ends meanwhile reports that itself.
    prepare().then(
      () => reportOpen(wa, node),
      () => undefined,
    );
  });
}

/** Asks WhatsApp to deliver messages. */
export async function activate(wa: Pick<WASocket, "query">, answerMs: number): Promise<Answer> {
  const attrs = { to: "@s.whatsapp.net", xmlns: "passive", type: "set" };
  const iq = { tag: "iq", attrs, content: [{ tag: "active", attrs: {} }] };
  return await ask(wa, iq, answerMs);
}

/** As Baileys does it, in this order. */
function reportOpen(wa: WASocket, { attrs: { lid } }: BinaryNode): void {
  const { me } = wa.authState.creds;
  if (!me) return;
  wa.ev.emit("creds.update", { me: lid ? { ...me, lid } : me });
  wa.ev.emit("connection.update", { connection: "open" });
  void wa.sendUnifiedSession();
  if (lid) rememberOwnLid(wa, me.id, lid).catch(() => undefined);
}

async function rememberOwnLid(wa: WASocket, pn: string, lid: string): Promise<void> {
  await wa.signalRepository.lidMapping.storeLIDPNMappings([{ lid, pn }]);
  const { user, device } = jidDecode(pn) ?? {};
  if (user) await rememberOwnDevice(wa.authState.keys, user, String(device ?? 0));
  await wa.signalRepository.migrateSession(pn, lid);
}

/** Reads first: a store that knows the value does not write it again at every login. */
async function rememberOwnDevice(keys: SignalKeyStore, user: string, device: string): Promise<void> {
  const { [user]: known } = await keys.get("device-list", [user]);
  if (known?.length !== 1 || known[0] !== device) await keys.set({ "device-list": { [user]: [device] } });
}
