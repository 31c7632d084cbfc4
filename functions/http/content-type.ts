/** A parameter of a media type: a token, and a token or a quoted string (RFC 9110 §5.6.6). */
const parameter = /;\s*([^\s=;"]+)\s*=\s*("(?:[^"\\]|\\.)*"|[^\s;"]*)/g;

/**
 * Whether a `Content-Type` means JSON in UTF-8. Its essence decides: JSON has no parameters of its own (RFC 8259 §11),
 * so they are ignored, except a charset that names another encoding.
 */
export function isUtf8Json(contentType: string): boolean {
  const [essence = ""] = contentType.split(";", 1);
  if (essence.trim().toLowerCase() !== "application/json") return false;
  const parameters = [...contentType.matchAll(parameter)];
  const charset = parameters.find(([, name = ""]) => name.toLowerCase() === "charset")?.[2];
  return !charset || isUtf8(charset.replace(/^"|"$/g, ""));
}

/** Understands every label that browsers do, such as `utf8`. */
function isUtf8(label: string): boolean {
  try {
    return new TextDecoder(label).encoding === "utf-8";
  } catch {
    return false;
  }
}
