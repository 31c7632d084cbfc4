import { Dialog } from "./dialog.tsx";
import { ErrorNotice } from "./error-notice.tsx";
import { useTask } from "./hooks.ts";

interface Props {
  title: string;
  text: string;
  /** What the button does, as a verb. */
  verb: string;
  work: () => Promise<void>;
  onClose: () => void;
}

/** Asks before something that cannot be taken back. Cancel has the focus first. */
export function ConfirmDialog({ title, text, verb, work, onClose }: Props) {
  const task = useTask();
  return (
    <Dialog title={title} onClose={onClose}>
      <p>{text}</p>
      <ErrorNotice error={task.error} />
      <div class="row end">
        <button type="button" onClick={onClose} autofocus>
          Cancel
        </button>
        <button
          type="button"
          class="danger"
          aria-disabled={task.isBusy}
          onClick={async () => {
            if (await task.run(work)) onClose();
          }}
        >
          {task.isBusy ? "Working…" : verb}
        </button>
      </div>
    </Dialog>
  );
}
