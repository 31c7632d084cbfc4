import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import type { RequestError } from "./request-error.ts";

interface Props {
  class?: string;
  label: string;
  error: RequestError | null;
  /** `values` are trimmed; empty fields are left out. */
  onSubmit: (values: Record<string, string>, form: HTMLFormElement) => void;
  children: ComponentChildren;
}

/** A form that focuses its first invalid field. The server validates, so the browser does not. */
export function Form({ class: className, label, error, onSubmit, children }: Props) {
  const form = useRef<HTMLFormElement>(null);
  useEffect(() => {
    if (error) form.current?.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus();
  }, [error]);
  return (
    <form
      ref={form}
      class={className}
      aria-label={label}
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        onSubmit(valuesOf(event.currentTarget), event.currentTarget);
      }}
    >
      {children}
    </form>
  );
}

function valuesOf(form: HTMLFormElement): Record<string, string> {
  const values: Record<string, string> = {};
  for (const [name, value] of new FormData(form)) {
    if (typeof value === "string" && value.trim() !== "") values[name] = value.trim();
  }
  return values;
}
