import { Dialog } from "./dialog.tsx";
import { ErrorNotice } from "./error-notice.tsx";
import { useTask } from "./hooks.ts";

interface Props {
  title: string;
  text: string;
  /** The button's label. */
  verb: string;
  work: () => Promise<void>;
  onClose: () => void;
}

/** Asks for confirmation of something that cannot be undone. Cancel has the initial focus. */
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
