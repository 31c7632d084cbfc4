import type { ComponentChildren } from "preact";
import { useId } from "preact/hooks";
import type { RequestError } from "./request-error.ts";

/** The attributes that tie an input to its label, hint and problem. */
interface FieldInput {
  id: string;
  name: string;
  "aria-invalid": boolean;
  "aria-describedby": string | undefined;
}

interface Props {
  label: string;
  /** The API's name of the field. */
  name: string;
  error: RequestError | null;
  hint?: string;
  children: (input: FieldInput) => ComponentChildren;
}

/** A labelled input with its hint, or the server's problem with it, underneath. */
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
