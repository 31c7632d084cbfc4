import type { MediaKind } from "#shared/content.ts";
import { Field } from "./field.tsx";
import { usePage } from "./page-context.ts";
import type { RequestError } from "./request-error.ts";

interface Props {
  kind: MediaKind;
  hasCaption: boolean;
  hasFileName: boolean;
  error: RequestError | null;
}

export function MediaInputs({ kind, hasCaption, hasFileName, error }: Props) {
  return (
    <>
      <Field
        label="Address of the file"
        name="mediaUrl"
        error={error}
        hint="http or https. The server fetches it."
      >
        {(input) => (
          <input
            {...input}
            data-content
            type="url"
            autocomplete="off"
            placeholder="https://example.com/image.jpg"
          />
        )}
      </Field>
      {kind === "image" && <SamplePicture />}
      {hasCaption && (
        <Field label="Caption (optional)" name="caption" error={error}>
          {(input) => <input {...input} data-content type="text" autocomplete="off" />}
        </Field>
      )}
      {hasFileName && (
        <Field label="File name (optional)" name="fileName" error={error}>
          {(input) => <input {...input} data-content type="text" autocomplete="off" />}
        </Field>
      )}
    </>
  );
}

/** The sandbox has a picture to try it with. */
function SamplePicture() {
  const { info } = usePage();
  const url = URL.parse("/sample.png", info.sandboxUrl ?? "");
  if (!url) return null;
  return (
    <button
      type="button"
      class="quiet inline start"
      onClick={({ currentTarget }) => {
        const address = currentTarget.form?.elements.namedItem("mediaUrl");
        if (address instanceof HTMLInputElement) address.value = url.href;
      }}
    >
      Use the sandbox's sample picture
    </button>
  );
}
