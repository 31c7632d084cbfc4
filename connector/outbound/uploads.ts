import type { Logger } from "#shared/log.ts";
import {
  type BinaryNode,
  defaultSocketConfig,
  getBinaryNodeChild,
  getBinaryNodeChildren,
  getWAUploadToServer,
  type WASocket,
} from "../baileys/baileys.ts";
import { baileysLogger } from "../baileys/logger.ts";
import { untilAborted } from "../concurrency/until-aborted.ts";

type MediaHosts = Awaited<ReturnType<WASocket["refreshMediaConn"]>>;

/**
 * Uploads media as Baileys does, but asks WhatsApp for the media hosts itself: Baileys keeps a question that failed instead of
 * the answer, and uploads nothing more over that socket.
 */
export interface Uploads {
  over(wa: WASocket): WASocket["waUploadToServer"];
}

export interface UploadsOptions {
  /** How long WhatsApp's answer may take. */
  recipientMs: number;
  log: Logger;
}

export function createUploads({ recipientMs, log }: UploadsOptions): Uploads {
  const known = new WeakMap<WASocket, Promise<MediaHosts>>();

  const ask = (wa: WASocket): Promise<MediaHosts> => {
    const asking = untilAborted(AbortSignal.timeout(recipientMs), async () =>
      hostsIn(await wa.query(question())),
    );
    known.set(wa, asking);
    asking.catch(() => known.delete(wa));
    return asking;
  };
  const hosts = async (wa: WASocket, isStale: boolean): Promise<MediaHosts> => {
    const last = isStale ? undefined : await known.get(wa);
    return last && Date.now() - last.fetchDate.getTime() <= last.ttl * 1_000 ? last : await ask(wa);
  };

  return {
    over(wa) {
      const config = { ...defaultSocketConfig, logger: baileysLogger(log) };
      return getWAUploadToServer(config, (isStale) => hosts(wa, isStale));
    },
  };
}

/** Baileys adds an id to the stanza it sends, so each question is a new one. */
function question(): BinaryNode {
  const attrs = { type: "set", xmlns: "w:m", to: "@s.whatsapp.net" };
  return { tag: "iq", attrs, content: [{ tag: "media_conn", attrs: {} }] };
}

/** Baileys resolves a query that timed out to `undefined`. */
function hostsIn(answer: BinaryNode | undefined): MediaHosts {
  const found = answer && getBinaryNodeChild(answer, "media_conn");
  if (!found) throw new Error("WhatsApp named no media hosts");
  const hosts = getBinaryNodeChildren(found, "host").map(({ attrs }) => ({
    hostname: attrs.hostname ?? "",
    maxContentLengthBytes: Number(attrs.maxContentLengthBytes),
  }));
  return { hosts, auth: found.attrs.auth ?? "", ttl: Number(found.attrs.ttl), fetchDate: new Date() };
}
