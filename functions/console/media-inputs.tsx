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
        label="File URL"
        name="mediaUrl"
        error={error}
        hint="An http or https URL. The server fetches the file."
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

/** Fills in the URL of the sandbox's sample picture. */
function SamplePicture() {
  const { info } = usePage();
  const url = URL.parse("/sample.png", info.sandboxUrl ?? "");
  if (!url) return null;
  return (
    <button
      type="button"
      class="quiet inline start"
      onClick={({ currentTarget }) => {
        const input = currentTarget.form?.elements.namedItem("mediaUrl");
        if (input instanceof HTMLInputElement) input.value = url.href;
      }}
    >
      Use the sandbox's sample picture
    </button>
  );
}
