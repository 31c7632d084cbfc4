import type { proto } from "../../baileys/baileys.ts";
import { filled, listed } from "./fields.ts";
import type { Convert, Converted } from "./kind.ts";

interface Button {
  id?: string;
  text: string;
  url?: string;
  phoneNumber?: string;
  code?: string;
}

export const buttons: Convert<"buttonsMessage"> = (value) => {
  const { contentText, footerText, text } = value;
  const choices = (value.buttons ?? []).map(({ buttonId, buttonText }) => ({
    text: buttonText?.displayText ?? "",
    ...filled({ id: buttonId }),
  }));
  return shown("buttons", { header: text, text: contentText, footer: footerText }, choices);
};

export const template: Convert<"templateMessage"> = (value) => {
  const { hydratedTemplate, hydratedFourRowTemplate, interactiveMessageTemplate, fourRowTemplate } = value;
  if (interactiveMessageTemplate) return interactive(interactiveMessageTemplate);
  const rows = hydratedTemplate ?? hydratedFourRowTemplate;
  if (!rows && fourRowTemplate?.content) return structured(fourRowTemplate.content);
  const words = {
    header: rows?.hydratedTitleText,
    text: rows?.hydratedContentText,
    footer: rows?.hydratedFooterText,
  };
  return shown("template", words, (rows?.hydratedButtons ?? []).map(templateButton));
};

/** The oldest form of a template: its text, or the parts that its text is made of. */
export const structured: Convert<"highlyStructuredMessage"> = ({ hydratedHsm, params, elementName }) =>
  hydratedHsm
    ? template(hydratedHsm)
    : shown("template", { text: (params ?? []).join(" ") || elementName }, []);

export const interactive: Convert<"interactiveMessage"> = (value) => {
  const texts = textsOf(wordsOf(value));
  const buttons = flowButtons(value);
  const cards = (value.carouselMessage?.cards ?? []).map((card) => ({
    ...textsOf(wordsOf(card)),
    buttons: flowButtons(card),
  }));
  const content = { type: "interactive" as const, ...texts, buttons };
  return {
    content: cards.length > 0 ? { ...content, cards } : content,
    text: visibleText(texts, buttons) || listed(cards.map((card) => visibleText(card, card.buttons))),
  };
};

export const list: Convert<"listMessage"> = (value) => {
  const { title, description, footerText, buttonText } = value;
  const texts = textsOf({ header: title, text: description || title, footer: footerText });
  const sections = (value.sections ?? []).map((section) => ({
    ...filled({ title: section.title }),
    rows: (section.rows ?? []).map((row) => ({
      id: row.rowId ?? "",
      title: row.title ?? "",
      ...filled({ description: row.description }),
    })),
  }));
  const button = buttonText ?? "";
  return {
    content: { type: "list", ...texts, button, sections },
    text: visibleText(texts, [{ text: button }]),
  };
};

export const buttonsResponse: Convert<"buttonsResponseMessage"> = (value) =>
  tapped(value.selectedButtonId, value.selectedDisplayText);

export const templateButtonReply: Convert<"templateButtonReplyMessage"> = (value) =>
  tapped(value.selectedId, value.selectedDisplayText);

export const interactiveResponse: Convert<"interactiveResponseMessage"> = (value) => {
  const { name, paramsJson } = value.nativeFlowResponseMessage ?? {};
  const { id } = paramsOf(paramsJson);
  return tapped(typeof id === "string" ? id : name, value.body?.text);
};

export const listResponse: Convert<"listResponseMessage"> = ({ title, description, singleSelectReply }) => {
  const id = singleSelectReply?.selectedRowId ?? "";
  const text = title || id;
  return { content: { type: "list_reply", id, text, ...filled({ description }) }, text };
};

interface Words {
  header?: string | null | undefined;
  text?: string | null | undefined;
  footer?: string | null | undefined;
}

function textsOf({ header, text, footer }: Words) {
  return { ...filled({ header, footer }), text: text ?? "" };
}

function shown(type: "buttons" | "template", words: Words, buttons: Button[]): Converted {
  const texts = textsOf(words);
  return { content: { type, ...texts, buttons }, text: visibleText(texts, buttons) };
}

/** A business may put everything into the header, or into the buttons. */
function visibleText({ header, text, footer }: Words, buttons: readonly Button[]): string {
  return text || header || footer || listed(buttons.map((button) => button.text));
}

function tapped(id: string | null | undefined, text: string | null | undefined): Converted {
  const visible = text || id || "";
  return { content: { type: "button_reply", id: id ?? "", text: visible }, text: visible };
}

function wordsOf({ header, body, footer }: proto.Message.IInteractiveMessage): Words {
  return { header: header?.title, text: body?.text, footer: footer?.text };
}

function templateButton({ quickReplyButton, urlButton, callButton }: proto.IHydratedTemplateButton): Button {
  const text = quickReplyButton?.displayText ?? urlButton?.displayText ?? callButton?.displayText ?? "";
  const { url } = urlButton ?? {};
  const code = oneTimeCode(url);
  return { text, ...filled({ id: quickReplyButton?.id, url, phoneNumber: callButton?.phoneNumber, code }) };
}

/** The code that a button of an authentication template copies stands in its URL. */
function oneTimeCode(url: string | null | undefined): string | undefined {
  return /^https:\/\/www\.whatsapp\.com\/otp\/.*[?&]code=otp([^&]+)/.exec(url ?? "")?.[1];
}

function flowButtons({ nativeFlowMessage }: proto.Message.IInteractiveMessage): Button[] {
  return (nativeFlowMessage?.buttons ?? []).flatMap(({ name, buttonParamsJson }) => {
    const params = paramsOf(buttonParamsJson);
    const rows = rowsOf(params);
    if (rows.length > 0) return rows;
    const of = (field: string) => (typeof params[field] === "string" ? params[field] : undefined);
    const text = of("display_text") ?? name ?? "";
    return [
      {
        text,
        ...filled({ id: of("id"), url: of("url"), phoneNumber: of("phone_number"), code: of("copy_code") }),
      },
    ];
  });
}

/** The rows of a button that opens a list. */
function rowsOf({ sections }: Record<string, unknown>): Button[] {
  const rows = asArray(sections).flatMap((section) => asArray(asRecord(section).rows));
  return rows
    .map(asRecord)
    .flatMap(({ id, title }) =>
      typeof id === "string" ? [{ id, text: typeof title === "string" ? title : id }] : [],
    );
}

function paramsOf(json: string | null | undefined): Record<string, unknown> {
  try {
    return asRecord(JSON.parse(json ?? ""));
  } catch {
    return {};
  }
}

function asRecord(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}

function asArray(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}
