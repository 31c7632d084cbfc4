import { useState } from "preact/hooks";
import { type ChannelDialog, ChannelDialogs } from "./channel-dialogs.tsx";
import { offerOf } from "./channel-offers.ts";
import type { ChannelView } from "./channel-view.ts";
import { ErrorNotice } from "./error-notice.tsx";
import { type Task, useNow, useTask } from "./hooks.ts";
import { usePage } from "./page-context.ts";

export function ChannelActions({ channel }: { channel: ChannelView }) {
  const { actions } = usePage();
  const task = useTask();
  const [open, setOpen] = useState<ChannelDialog | null>(null);
  const { channelId, phoneNumber } = channel;
  const offer = offerOf(channel, useNow());
  return (
    <div class="actions">
      <ErrorNotice error={task.error} />
      <div class="row">
        {offer.connect === "asked" && (
          <button type="button" onClick={() => setOpen("connect")}>
            Connect…
          </button>
        )}
        {offer.connect === "main" && <Connect task={task} work={() => actions.connect(channelId)} />}
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
