import { get, post } from "./api.js";
import { byId, element, show } from "./element.js";
import { attemptWith } from "./notice.js";
import { freeNumber, pretty } from "./people.js";

const scanner = byId("scanner");
const pasted = byId("paste-text");

/** Whether to suggest a number: until the user types one, and again once that was used. */
let isSuggested = true;

export function startPairings() {
  scanner.addEventListener("input", () => {
    isSuggested = scanner.value === "";
  });
  byId("paste").addEventListener("submit", (event) => {
    event.preventDefault();
    void attemptWith(event.submitter, async () => {
      const notice = await linkWith(pasted.value);
      pasted.value = "";
      return notice;
    });
  });
}

export function drawPairings({ pairings, accounts }) {
  if (isSuggested && document.activeElement !== scanner) scanner.value = freeNumber(accounts);
  show(byId("pairings"), pairings, (list) =>
    list.length === 0
      ? element(
          "p",
          { className: "empty" },
          "No device is waiting to be linked. Connect a channel, and its QR appears here.",
        )
      : list.map(card),
  );
}

function card(pairing) {
  return element(
    "article",
    { className: "card pairing" },
    pairing.qrImage
      ? element("img", { src: pairing.qrImage, alt: "QR code", width: 132, height: 132 })
      : null,
    element(
      "div",
      { className: "stack grow" },
      element("strong", {}, pairing.platform || "A client"),
      element("p", { className: "soft" }, explanation(pairing)),
      action(pairing),
    ),
  );
}

function explanation({ kind, phoneNumber, qrText, since }) {
  const time = new Date(since).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
  if (kind === "code") return `Requested a pairing code for ${pretty(phoneNumber)}, connected at ${time}.`;
  if (qrText) return `Shows this QR, connected at ${time}.`;
  return `Shows a QR on its own screen only, connected at ${time}. Paste the text of that QR below.`;
}

function action({ id, kind, phoneNumber, qrText }) {
  if (kind === "code") {
    const prepare = () => {
      scanner.value = phoneNumber;
      isSuggested = false;
      pasted.focus();
    };
    return element("button", { type: "button", "data-key": `${id}-code`, onclick: prepare }, "Type the code");
  }
  if (!qrText) return null;
  const scan = (event) => attemptWith(event.currentTarget, () => linkWith(qrText));
  return element("button", { type: "button", "data-key": `${id}-scan`, onclick: scan }, "Scan");
}

/** A code belongs to the number it was requested for, which is clear when only one client is waiting. */
async function numberOfCode() {
  const waiting = (await get("pairings")).filter(({ kind }) => kind === "code");
  return waiting.length === 1 ? waiting[0].phoneNumber : scanner.value;
}

async function linkWith(text) {
  const isCode = /^[A-Za-z1-9]{4}[\s-]?[A-Za-z1-9]{4}$/.test(text.trim());
  const phoneNumber = isCode ? await numberOfCode() : scanner.value;
  if (isCode) await post("type-code", { phoneNumber, code: text });
  else await post("scan", { phoneNumber, qr: text });
  isSuggested = true;
  return `Linked with ${phoneNumber}.`;
}
