import { useEffect, useState } from "preact/hooks";

interface Props {
  text: string;
  /** What is copied, for those who do not see it. */
  what: string;
}

const thanksMs = 2_000;

/** Copies, where the browser lets it (https and localhost); elsewhere there is no button, the text can be selected. */
export function CopyButton({ text, what }: Props) {
  const [isCopied, setIsCopied] = useState(false);
  useEffect(() => {
    if (!isCopied) return;
    const timer = setTimeout(() => setIsCopied(false), thanksMs);
    return () => clearTimeout(timer);
  }, [isCopied]);
  if (!("clipboard" in navigator)) return null;
  const copy = () =>
    navigator.clipboard.writeText(text).then(
      () => setIsCopied(true),
      () => {},
    );
  return (
    <button
      type="button"
      class="small"
      aria-label={isCopied ? `${what} copied` : `Copy ${what}`}
      onClick={copy}
    >
      {isCopied ? "Copied" : "Copy"}
    </button>
  );
}
