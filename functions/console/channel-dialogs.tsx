import type { ChannelView } from "./channel-view.ts";
import { ConfirmDialog } from "./confirm-dialog.tsx";
import { usePage } from "./page-context.ts";
import { PairingCodeDialog } from "./pairing-code-dialog.tsx";

export type ChannelDialog = "connect" | "code" | "logout" | "delete";

interface Props {
  open: ChannelDialog | null;
  channel: ChannelView;
  onClose: () => void;
}

/** The channel's open dialog, if any. */
export function ChannelDialogs({ open, channel, onClose }: Props) {
  const { actions } = usePage();
  const { channelId, name } = channel;
  switch (open) {
    case "code":
      return <PairingCodeDialog channel={channel} onClose={onClose} />;
    case "connect":
      return (
        <ConfirmDialog
          title={`Connect “${name}”?`}
          text="WhatsApp has blocked this account. Connect only when WhatsApp on the phone shows that the block has ended: another attempt before that can make it worse."
          verb="Connect anyway"
          work={() => actions.connect(channelId)}
          onClose={onClose}
        />
      );
    case "logout":
      return (
        <ConfirmDialog
          title={`Log out “${name}”?`}
          text="This unlinks the phone: the channel disappears from Linked devices. Its credentials are erased once WhatsApp has confirmed that. To use it again, you will have to link a phone."
          verb="Log out"
          work={() => actions.logout(channelId)}
          onClose={onClose}
        />
      );
    case "delete":
      return (
        <ConfirmDialog
          title={`Delete “${name}”?`}
          text="This unlinks the phone and erases the channel with its messages and events at once, and its credentials once WhatsApp has confirmed the unlinking. It cannot be undone."
          verb="Delete channel"
          work={async () => {
            await actions.remove(channelId);
            location.hash = "#/";
          }}
          onClose={onClose}
        />
      );
    case null:
      return null;
  }
}
