import { filled } from "./fields.ts";
import type { Convert } from "./kind.ts";

export const conversation: Convert<"conversation"> = (text) => ({ content: { type: "text", text }, text });

/** A text with anything beside it, such as a preview of the link in it. */
export const extendedText: Convert<"extendedTextMessage"> = ({ text, matchedText, title, description }) => {
  const visible = text ?? "";
  const hasPreview = matchedText && (title || description);
  const linkPreview = hasPreview ? { url: matchedText, ...filled({ title, description }) } : undefined;
  return { content: { type: "text", text: visible, ...filled({ linkPreview }) }, text: visible };
};
