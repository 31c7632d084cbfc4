import { useState } from "preact/hooks";
import type { MediaKind } from "#shared/content.ts";
import type { ChannelView } from "./channel-view.ts";
import { ErrorNotice } from "./error-notice.tsx";
import { Field } from "./field.tsx";
import { Form } from "./form.tsx";
import { useTask } from "./hooks.ts";
import { MediaInputs } from "./media-inputs.tsx";
import { usePage } from "./page-context.ts";
import type { RequestError } from "./request-error.ts";

type Kind = "text" | MediaKind;

/** The kinds of message, and the optional inputs of each. */
const kinds: Record<Kind, { label: string; hasCaption: boolean; hasFileName: boolean }> = {
  text: { label: "Text", hasCaption: false, hasFileName: false },
  image: { label: "Image", hasCaption: true, hasFileName: false },
  video: { label: "Video", hasCaption: true, hasFileName: false },
  audio: { label: "Audio", hasCaption: false, hasFileName: false },
  voice: { label: "Voice message", hasCaption: false, hasFileName: false },
  document: { label: "Document", hasCaption: true, hasFileName: true },
  sticker: { label: "Sticker", hasCaption: false, hasFileName: false },
};

const fields = ["to", "message", "mediaUrl", "caption", "fileName"];

interface Props {
  channel: ChannelView;
  to: string;
  onTo: (to: string) => void;
}

export function Composer({ channel, to, onTo }: Props) {
  const { actions } = usePage();
  const task = useTask();
  const [kind, setKind] = useState<Kind>("text");

  async function send(values: Record<string, string>, form: HTMLFormElement): Promise<void> {
    const { to = "", message = "", mediaUrl = "", ...rest } = values;
    if (kind === "text") await actions.sendText(channel.channelId, { to, message });
    else await actions.sendMedia(channel.channelId, { to, mediaType: kind, mediaUrl, ...rest });
    // Keep anything typed while the request was running.
    for (const input of form.querySelectorAll<HTMLInputElement | HTMLTextAreaElement>("[data-content]"))
      if (values[input.name] === input.value.trim()) input.value = "";
  }

  return (
    <Form
      class="composer"
      label="Send a message"
      error={task.error}
      onSubmit={(values, form) => void task.run(() => send(values, form))}
    >
      <div class="pair">
        <Field label="To" name="to" error={task.error}>
          {(input) => (
            <input
              {...input}
              type="text"
              autocomplete="off"
              placeholder="+1 555 123 4567"
              value={to}
              onInput={(event) => onTo(event.currentTarget.value)}
            />
          )}
        </Field>
        <KindInput kind={kind} onKind={setKind} />
      </div>
      {kind === "text" ? (
        <TextInput error={task.error} />
      ) : (
        <MediaInputs kind={kind} {...kinds[kind]} error={task.error} />
      )}
      <ErrorNotice error={task.error} fields={fields} />
      <div class="row end">
        {channel.status !== "active" && (
          <p class="hint grow">Not connected: the message waits in the queue until it expires.</p>
        )}
        <button type="submit" class="primary" aria-disabled={task.isBusy}>
          {task.isBusy ? "Sending…" : "Send"}
        </button>
      </div>
    </Form>
  );
}

function KindInput({ kind, onKind }: { kind: Kind; onKind: (kind: Kind) => void }) {
  return (
    <Field label="Type" name="kind" error={null}>
      {({ id }) => (
        <select id={id} value={kind} onChange={(event) => onKind(event.currentTarget.value as Kind)}>
          {Object.entries(kinds).map(([value, { label }]) => (
            <option key={value} value={value}>
              {label}
            </option>
          ))}
        </select>
      )}
    </Field>
  );
}

/** Enter sends; Shift+Enter inserts a line break. */
function TextInput({ error }: { error: RequestError | null }) {
  return (
    <Field label="Message" name="message" error={error}>
      {(input) => (
        <textarea
          {...input}
          data-content
          rows={2}
          onKeyDown={(event) => {
            if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
            event.preventDefault();
            event.currentTarget.form?.requestSubmit();
          }}
        />
      )}
    </Field>
  );
}
