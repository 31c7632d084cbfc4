import type { RequestError } from "./request-error.ts";

interface Props {
  error: RequestError | null;
  /** Fields whose problems are shown beside them. */
  fields?: readonly string[];
}

/** What failed: the message, the problems that belong to no field, and the code to look up. Nothing when all is said beside the fields. */
export function ErrorNotice({ error, fields = [] }: Props) {
  if (!error) return null;
  const others = error.problems.filter((it) => !fields.includes(it.field));
  // Beside its field each has been said already.
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
      {error.status >= 500 && error.requestId && <p class="fine">Request {error.requestId}</p>}
    </div>
  );
}
