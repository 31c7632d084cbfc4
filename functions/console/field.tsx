import type { ComponentChildren } from "preact";
import { useId } from "preact/hooks";
import type { RequestError } from "./request-error.ts";

/** What the input itself must carry to belong to its label, hint and problem. */
interface FieldInput {
  id: string;
  name: string;
  "aria-invalid": boolean;
  "aria-describedby": string | undefined;
}

interface Props {
  label: string;
  /** As the API names it. */
  name: string;
  error: RequestError | null;
  hint?: string;
  children: (input: FieldInput) => ComponentChildren;
}

/** A labelled input with the server's own objection beneath it. */
export function Field({ label, name, error, hint, children }: Props) {
  const id = useId();
  const problem = error?.problems.find((it) => it.field === name);
  const note = problem?.message ?? hint;
  return (
    <div class="field">
      <label for={id}>{label}</label>
      {children({
        id,
        name,
        "aria-invalid": problem !== undefined,
        "aria-describedby": note ? `${id}-note` : undefined,
      })}
      {note && (
        <p id={`${id}-note`} class={problem ? "problem" : "hint"}>
          {note}
        </p>
      )}
    </div>
  );
}
