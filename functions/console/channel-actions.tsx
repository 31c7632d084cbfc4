import { useState } from "preact/hooks";
import type { ChannelStatus } from "../../shared/channel.ts";
import type { ChannelView } from "./channel-view.ts";
import { ConfirmDialog } from "./confirm-dialog.tsx";
import { ErrorNotice } from "./error-notice.tsx";
import { useTask } from "./hooks.ts";
import { usePage } from "./page-context.ts";
import { PairingCodeDialog } from "./pairing-code-dialog.tsx";

/** What can be done in each status. `stop` is the word for disconnecting. */
const offers: Record<
  ChannelStatus,
  { connect: boolean; code: boolean; stop: string | null; logout: boolean }
> = {
  inactive: { connect: true, code: true, stop: null, logout: true },
  connecting: { connect: false, code: false, stop: "Stop", logout: false },
  qr_ready: { connect: false, code: true, stop: "Cancel", logout: false },
  pairing_code_ready: { connect: false, code: false, stop: "Cancel", logout: false },
  active: { connect: false, code: false, stop: "Disconnect", logout: true },
  error: { connect: true, code: true, stop: null, logout: true },
  logged_out: { connect: true, code: true, stop: null, logout: false },
};

type Open = "code" | "logout" | "delete" | null;

export function ChannelActions({ channel }: { channel: ChannelView }) {
  const { actions } = usePage();
  const task = useTask();
  const [open, setOpen] = useState<Open>(null);
  const close = () => setOpen(null);
  const { channelId, phoneNumber, status } = channel;
  const offer = offers[status];
  return (
    <div class="actions">
      <ErrorNotice error={task.error} />
      <div class="row">
        {offer.connect && (
          <button
            type="button"
            class="primary"
            aria-disabled={task.isBusy}
            onClick={() => void task.run(() => actions.connect(channelId))}
          >
            {task.isBusy ? "Connecting…" : "Connect"}
          </button>
        )}
        {offer.code && (
          <button type="button" onClick={() => setOpen("code")}>
            Link with a code
          </button>
        )}
        {offer.stop && (
          <button
            type="button"
            aria-disabled={task.isBusy}
            onClick={() => void task.run(() => actions.disconnect(channelId))}
          >
            {offer.stop}
          </button>
        )}
        <div class="last">
          {offer.logout && phoneNumber && (
            <button type="button" class="quiet" onClick={() => setOpen("logout")}>
              Log out…
            </button>
          )}
          <button type="button" class="quiet" onClick={() => setOpen("delete")}>
            Delete…
          </button>
        </div>
      </div>
      {open === "code" && <PairingCodeDialog channel={channel} onClose={close} />}
      {open === "logout" && (
        <ConfirmDialog
          title={`Log out “${channel.name}”?`}
          text="The phone is unlinked: the link disappears from its Linked devices, and the credentials are erased here. To use the channel again, a phone must be linked anew."
          verb="Log out"
          work={() => actions.logout(channelId)}
          onClose={close}
        />
      )}
      {open === "delete" && (
        <ConfirmDialog
          title={`Delete “${channel.name}”?`}
          text="The phone is unlinked, and the channel is erased with its credentials, messages and events. This cannot be undone."
          verb="Delete channel"
          work={async () => {
            await actions.remove(channelId);
            location.hash = "#/";
          }}
          onClose={close}
        />
      )}
    </div>
  );
}
