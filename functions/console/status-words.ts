import type { ChannelStatus, statusReasons } from "#shared/channel.ts";

/** The colour of a status: at rest, busy, waiting for a person, good, broken. */
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

/** Explains a channel's status: what happened and what to do. Unknown reasons fall back to the status alone. */
export function statusWords({ status, reason, phoneNumber }: ExplainedChannel): StatusWords {
  const row = byStatus[status];
  const known: Record<string, Words> = isReasoned(status) ? byReason[status] : {};
  const words = { ...row, ...(reason !== null && Object.hasOwn(known, reason) ? known[reason] : undefined) };
  const isAtRest = status === "inactive" && (reason === null || reason === "disconnected");
  return isAtRest && phoneNumber === null ? { ...words, todo: neverLinked } : words;
}

interface ExplainedChannel {
  status: ChannelStatus;
  reason: string | null;
  phoneNumber: string | null;
}

/** Linking fills in the number, so a channel without one was never linked. */
const neverLinked = "No phone is linked to it yet. Connect it for a QR code.";

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
    todo: "Connect it. If a phone is linked already, it reconnects; otherwise a QR code appears.",
  },
  connecting: {
    label: "Connecting",
    tone: "busy",
    happened: "Connecting to WhatsApp.",
    todo: "This takes a few seconds.",
  },
  qr_ready: {
    label: "Scan QR code",
    tone: "act",
    happened: "WhatsApp is waiting for a phone to scan the QR code.",
    todo: "Scan it with the phone whose account this channel should use.",
  },
  pairing_code_ready: {
    label: "Enter code",
    tone: "act",
    happened: "WhatsApp is waiting for the pairing code.",
    todo: "Enter it on the phone whose account this channel should use.",
  },
  active: {
    label: "Active",
    tone: "good",
    happened: "Connected.",
    todo: "You can send and receive messages.",
  },
  error: {
    label: "Needs attention",
    tone: "bad",
    happened: "The connection failed.",
    todo: "Connect again. If it fails again, check the connector's log.",
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
      todo: "It is being restored. Messages you send wait until then.",
    },
    server_unavailable: {
      happened: "WhatsApp's servers are not responding.",
      todo: "Waypost keeps trying, and messages you send wait until then. Check that this machine can reach web.whatsapp.com.",
    },
    server_untrusted: {
      happened: "The server that answered could not prove that it is WhatsApp. Nothing was sent to it.",
      todo: "Waypost keeps trying. Check the network for a proxy that intercepts connections to web.whatsapp.com.",
    },
    rate_limited: {
      happened: "WhatsApp is limiting connection attempts.",
      todo: "Waypost tries again after a pause.",
    },
    replaced: {
      happened: "Another program took over this linked device.",
      todo: "Waypost tries once more after a pause. Stop the other program if it should not be running.",
    },
    unlinking: {
      happened: "The device is being removed from the account; WhatsApp has not confirmed it yet.",
      todo: "Waypost repeats it for up to a day. You can also remove the device on the phone, under Linked devices.",
    },
  },
  inactive: {
    disconnected: {
      happened: "Disconnected on request.",
      todo: "Connect to continue. A phone that is linked stays linked and needs no QR code.",
    },
    qr_expired: {
      happened: "The QR code was not scanned in time.",
      todo: "Connect again when you have the phone at hand.",
    },
    interrupted: {
      happened: "The service stopped while the phone was being linked.",
      todo: "Connect again to link it.",
    },
    connection_lost: {
      happened:
        "The connection to WhatsApp was lost while the phone was being linked, so the code no longer works.",
      todo: "Connect again for a new code.",
    },
  },
  error: {
    replaced: {
      happened: "Another program is using the same linked device and took it over again.",
      todo: "Stop that program, then connect.",
    },
    client_outdated: {
      happened: "WhatsApp no longer accepts this version of the connector.",
      todo: "Update Waypost, then connect.",
    },
    banned: {
      happened: "WhatsApp has banned this account.",
      todo: "Open WhatsApp on the phone: it explains how to request a review.",
    },
    temporarily_banned: {
      happened: "WhatsApp has temporarily banned this account.",
      todo: "Wait until the ban ends. Connecting before then makes it worse.",
    },
    wrong_number: {
      happened: "The linked account does not have this channel's number, so it was unlinked again.",
      todo: "Connect again and link the phone that has this channel's number.",
    },
    passkey_required: {
      happened:
        "WhatsApp asks this account to confirm the link with a passkey, which Waypost does not support.",
      todo: "Link another account. Removing the passkey does not help: WhatsApp would ask for a new one.",
    },
    pairing_failed: {
      happened: "The phone could not be linked.",
      todo: "Connect to try again. Check the phone for a message under Linked devices.",
    },
    credentials_unreadable: {
      happened: "The stored credentials of this channel cannot be read.",
      todo: "Check that ENCRYPTION_KEY still contains the key they were encrypted with. Nothing was erased.",
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
