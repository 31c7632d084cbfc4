import { ErrorNotice } from "./error-notice.tsx";
import { Field } from "./field.tsx";
import { Form } from "./form.tsx";
import { useTask } from "./hooks.ts";
import { usePage } from "./page-context.ts";

/** Exchanges an API key for an HttpOnly session cookie, which this page cannot read. */
export function SignIn({ sessionEnd }: { sessionEnd: string | null }) {
  const { actions } = usePage();
  const task = useTask();
  return (
    <main class="sign-in">
      <h1>Sign in</h1>
      {sessionEnd && (
        <p class="notice" role="status">
          {sessionEnd} Sign in again to continue.
        </p>
      )}
      <Form
        class="card"
        label="Sign in"
        error={task.error}
        onSubmit={({ apiKey = "" }, form) => {
          form.reset();
          void task.run(() => actions.signIn(apiKey));
        }}
      >
        <Field
          label="API key"
          name="apiKey"
          error={task.error}
          hint="At startup, Waypost prints where the first key is kept. This page exchanges the key for a 12-hour session and does not store it."
        >
          {(input) => <input {...input} type="password" autocomplete="off" spellcheck={false} autofocus />}
        </Field>
        <ErrorNotice error={task.error} fields={["apiKey"]} />
        <button type="submit" class="primary" aria-disabled={task.isBusy}>
          {task.isBusy ? "Signing in…" : "Sign in"}
        </button>
      </Form>
    </main>
  );
}
