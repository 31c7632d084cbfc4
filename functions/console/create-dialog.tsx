import { Dialog } from "./dialog.tsx";
import { ErrorNotice } from "./error-notice.tsx";
import { Field } from "./field.tsx";
import { Form } from "./form.tsx";
import { useTask } from "./hooks.ts";
import { usePage } from "./page-context.ts";
import { hashOfChannel } from "./route.ts";

export function CreateDialog({ onClose }: { onClose: () => void }) {
  const { actions } = usePage();
  const task = useTask();
  async function create(values: Record<string, string>): Promise<void> {
    const { name = "", phoneNumber } = values;
    const channelId = await actions.createChannel({ name, ...(phoneNumber ? { phoneNumber } : {}) });
    location.hash = hashOfChannel(channelId);
    onClose();
  }
  return (
    <Dialog title="New channel" onClose={onClose}>
      <Form label="New channel" error={task.error} onSubmit={(values) => void task.run(() => create(values))}>
        <Field label="Name" name="name" error={task.error} hint="What is this account for?">
          {(input) => <input {...input} type="text" autocomplete="off" maxLength={100} autofocus />}
        </Field>
        <Field
          label="Phone number (optional)"
          name="phoneNumber"
          error={task.error}
          hint="With country code. If you enter one, only the account with this number can be linked."
        >
          {(input) => <input {...input} type="tel" autocomplete="off" placeholder="+1 555 123 4567" />}
        </Field>
        <ErrorNotice error={task.error} fields={["name", "phoneNumber"]} />
        <div class="row end">
          <button type="button" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" class="primary" aria-disabled={task.isBusy}>
            {task.isBusy ? "Creating…" : "Create channel"}
          </button>
        </div>
      </Form>
    </Dialog>
  );
}
