import { useState } from "preact/hooks";
import type { ChannelStatus } from "#shared/channel.ts";
import { type ChannelDialog, ChannelDialogs } from "./channel-dialogs.tsx";
import type { ChannelView } from "./channel-view.ts";
import { ErrorNotice } from "./error-notice.tsx";
import { type Task, useTask } from "./hooks.ts";
import { usePage } from "./page-context.ts";

/** The actions offered in each status. `stop` is the label of the button that disconnects. */
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

export function ChannelActions({ channel }: { channel: ChannelView }) {
  const { actions } = usePage();
  const task = useTask();
  const [open, setOpen] = useState<ChannelDialog | null>(null);
  const { channelId, phoneNumber, status } = channel;
  const offer = offers[status];
  return (
    <div class="actions">
      <ErrorNotice error={task.error} />
      <div class="row">
        {offer.connect && <Connect task={task} work={() => actions.connect(channelId)} />}
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
      <ChannelDialogs open={open} channel={channel} onClose={() => setOpen(null)} />
    </div>
  );
}

function Connect({ task, work }: { task: Task; work: () => Promise<void> }) {
  return (
    <button type="button" class="primary" aria-disabled={task.isBusy} onClick={() => void task.run(work)}>
      {task.isBusy ? "Connecting…" : "Connect"}
    </button>
  );
}
