import { useEffect, useState } from "preact/hooks";

interface Props {
  text: string;
  /** Names the text for screen readers. */
  what: string;
}

const copiedMs = 2_000;

/** Copies text. Browsers only allow that on https and localhost; elsewhere there is no button. */
export function CopyButton({ text, what }: Props) {
  const [isCopied, setIsCopied] = useState(false);
  useEffect(() => {
    if (!isCopied) return;
    const timer = setTimeout(() => setIsCopied(false), copiedMs);
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
