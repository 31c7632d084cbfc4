import type { ChannelView } from "./channel-view.ts";
import { Dialog } from "./dialog.tsx";
import { ErrorNotice } from "./error-notice.tsx";
import { Field } from "./field.tsx";
import { Form } from "./form.tsx";
import { useTask } from "./hooks.ts";
import { usePage } from "./page-context.ts";

export function PairingCodeDialog({ channel, onClose }: { channel: ChannelView; onClose: () => void }) {
  const { actions } = usePage();
  const task = useTask();
  async function request({ phoneNumber = "" }: Record<string, string>): Promise<void> {
    await actions.requestPairingCode(channel.channelId, phoneNumber);
    onClose();
  }
  return (
    <Dialog title="Link with a code" onClose={onClose}>
      <p>WhatsApp creates an eight-character code for this phone number. Enter it on that phone.</p>
      <Form
        label="Link with a code"
        error={task.error}
        onSubmit={(values) => void task.run(() => request(values))}
      >
        <Field label="Phone number" name="phoneNumber" error={task.error} hint="With country code.">
          {(input) => (
            <input
              {...input}
              type="tel"
              autocomplete="off"
              placeholder="+1 555 123 4567"
              defaultValue={channel.phoneNumber ? `+${channel.phoneNumber}` : ""}
              autofocus
            />
          )}
        </Field>
        <ErrorNotice error={task.error} fields={["phoneNumber"]} />
        <div class="row end">
          <button type="button" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" class="primary" aria-disabled={task.isBusy}>
            {task.isBusy ? "Requesting…" : "Get a code"}
          </button>
        </div>
      </Form>
    </Dialog>
  );
}
