import type { RequestError } from "./request-error.ts";

interface Props {
  error: RequestError | null;
  /** Fields that show their own problems. */
  fields?: readonly string[];
}

/** An error's message, its code, and the problems that no field shows. Empty if the fields show them all. */
export function ErrorNotice({ error, fields = [] }: Props) {
  if (!error) return null;
  const others = error.problems.filter((it) => !fields.includes(it.field));
  if (error.problems.length > 0 && others.length === 0) return null;
  return (
    <div class="notice bad" role="alert">
      <p>
        {error.message} <code>{error.code}</code>
      </p>
      {others.length > 0 && (
        <ul>
          {others.map((it) => (
            <li key={it.field}>
              <code>{it.field || "body"}</code> {it.message}
            </li>
          ))}
        </ul>
      )}
      {error.status >= 500 && error.requestId && <p class="fine">Request ID: {error.requestId}</p>}
    </div>
  );
}
