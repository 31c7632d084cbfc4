import type { ChannelStatus, statusReasons } from "#shared/channel.ts";

/** How a status looks: at rest, working by itself, waiting for a person, good, broken. */
type Tone = "idle" | "busy" | "act" | "good" | "bad";

export interface StatusWords {
  label: string;
  tone: Tone;
  happened: string;
  todo: string;
}

interface Words {
  happened: string;
  todo: string;
}

type ReasonWords = { [S in keyof typeof statusReasons]: Record<(typeof statusReasons)[S][number], Words> };

/** A status in people's words: what happened and what to do. A reason this page does not know falls back to its status. */
export function statusWords(status: ChannelStatus, reason: string | null): StatusWords {
  const row = byStatus[status];
  const known: Record<string, Words> = isReasoned(status) ? byReason[status] : {};
  return { ...row, ...(reason !== null && Object.hasOwn(known, reason) ? known[reason] : undefined) };
}

export function isChannelStatus(value: unknown): value is ChannelStatus {
  return typeof value === "string" && Object.hasOwn(byStatus, value);
}

function isReasoned(status: ChannelStatus): status is keyof ReasonWords {
  return Object.hasOwn(byReason, status);
}

const byStatus: Record<ChannelStatus, StatusWords> = {
  inactive: {
    label: "Not connected",
    tone: "idle",
    happened: "This channel is not connected to WhatsApp.",
    todo: "Connect it: a phone that is linked already comes back by itself, else a QR appears.",
  },
  connecting: {
    label: "Connecting",
    tone: "busy",
    happened: "Connecting to WhatsApp.",
    todo: "Nothing to do, this takes a few seconds.",
  },
  qr_ready: {
    label: "Scan the QR",
    tone: "act",
    happened: "WhatsApp waits for a phone to scan the QR.",
    todo: "Scan it with the phone whose account this channel shall use.",
  },
  pairing_code_ready: {
    label: "Type the code",
    tone: "act",
    happened: "WhatsApp waits for the pairing code.",
    todo: "Type it on the phone whose account this channel shall use.",
  },
  active: {
    label: "Active",
    tone: "good",
    happened: "Connected.",
    todo: "Messages can be sent and received.",
  },
  error: {
    label: "Needs you",
    tone: "bad",
    happened: "The connection failed.",
    todo: "Connect again; if it fails again, look at the connector's log.",
  },
  logged_out: {
    label: "Logged out",
    tone: "idle",
    happened: "No phone is linked to this channel.",
    todo: "Connect to link a phone.",
  },
};

const byReason: ReasonWords = {
  connecting: {
    connection_lost: {
      happened: "The connection to WhatsApp was lost.",
      todo: "Nothing to do, it is being restored. Messages you send wait until then.",
    },
    server_unavailable: {
      happened: "WhatsApp's servers do not answer.",
      todo: "It is tried again, and messages you send wait until then. Check that this machine can reach web.whatsapp.com.",
    },
    rate_limited: {
      happened: "WhatsApp asks to slow down.",
      todo: "Nothing to do, the next attempt comes after a pause.",
    },
    replaced: {
      happened: "Another program took over this linked device.",
      todo: "It is tried once more after a pause. Stop the other program if it is not meant to run.",
    },
  },
  inactive: {
    disconnected: {
      happened: "Disconnected on request. The phone is still linked.",
      todo: "Connect to go on, no QR is needed.",
    },
    qr_expired: {
      happened: "Nobody scanned the QR in time.",
      todo: "Connect again when the phone is at hand.",
    },
    interrupted: {
      happened: "The service stopped while the phone was being linked.",
      todo: "Connect again to link it.",
    },
  },
  error: {
    replaced: {
      happened: "Another program uses the same linked device, and took over again.",
      todo: "Stop that program, then connect.",
    },
    client_outdated: {
      happened: "WhatsApp no longer accepts this version of the connector.",
      todo: "Update Waypost, then connect.",
    },
    banned: {
      happened: "WhatsApp has blocked this account.",
      todo: "Open WhatsApp on the phone: it tells how to ask for a review.",
    },
    temporarily_banned: {
      happened: "WhatsApp has blocked this account for a while.",
      todo: "Wait until the block ends. Attempts before that make it worse.",
    },
    wrong_number: {
      happened:
        "Another account than this channel's number was linked. It was removed from that phone again.",
      todo: "Connect again and scan with the phone that has this channel's number.",
    },
    passkey_required: {
      happened: "WhatsApp asks this account for a passkey, which a linked device like this cannot give.",
      todo: "Link another account, or remove the passkey on the phone and connect again.",
    },
    pairing_failed: {
      happened: "The phone could not be linked.",
      todo: "Connect and try again. On the phone, look for a message under Linked devices.",
    },
    credentials_unreadable: {
      happened: "The stored credentials of this channel cannot be read.",
      todo: "Check that ENCRYPTION_KEY still holds the key they were written with. Nothing was erased.",
    },
  },
  logged_out: {
    unlinked_by_phone: {
      happened: "The link was removed on the phone.",
      todo: "Connect to link a phone again.",
    },
    unlinked_by_api: {
      happened: "Logged out here. The phone is unlinked and the credentials are erased.",
      todo: "Connect to link a phone again.",
    },
  },
};
