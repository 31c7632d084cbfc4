import type { ChannelView } from "./channel-view.ts";
import { ConfirmDialog } from "./confirm-dialog.tsx";
import { usePage } from "./page-context.ts";
import { PairingCodeDialog } from "./pairing-code-dialog.tsx";

export type ChannelDialog = "code" | "logout" | "delete";

interface Props {
  open: ChannelDialog | null;
  channel: ChannelView;
  onClose: () => void;
}

/** The dialog of a channel that is open, if one is. */
export function ChannelDialogs({ open, channel, onClose }: Props) {
  const { actions } = usePage();
  const { channelId, name } = channel;
  switch (open) {
    case "code":
      return <PairingCodeDialog channel={channel} onClose={onClose} />;
    case "logout":
      return (
        <ConfirmDialog
          title={`Log out “${name}”?`}
          text="The phone is unlinked: the link disappears from its Linked devices, and the credentials are erased here. To use the channel again, a phone must be linked anew."
          verb="Log out"
          work={() => actions.logout(channelId)}
          onClose={onClose}
        />
      );
    case "delete":
      return (
        <ConfirmDialog
          title={`Delete “${name}”?`}
          text="The phone is unlinked, and the channel is erased with its credentials, messages and events. This cannot be undone."
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
