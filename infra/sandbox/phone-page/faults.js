import { post } from "./api.js";
import { byId, element } from "./element.js";
import { attempt, attemptWith } from "./notice.js";
import { isChannel, offer, pretty } from "./people.js";

/** Label, fault, what it takes beside the target, what it means. `needsNumber`: once per channel instead of "all". */
const groups = [
  [
    "Connection",
    [
      ["Cut TCP", "drop", {}, "The connection is gone without a word"],
      ["515 restart", "stream-error", { code: 515 }, "WhatsApp asks for a new connection"],
      ["503", "stream-error", { code: 503 }, "WhatsApp is overloaded"],
      ["500", "stream-error", { code: 500 }, "A stream error nobody explains"],
      ["440 replaced", "replace", {}, "Another client took the session over", "needsNumber"],
      ["Go silent", "silence", { on: true }, "The socket stays open, nothing comes"],
      ["Speak again", "silence", { on: false }, "Ends the silence"],
    ],
  ],
  [
    "Next login",
    [
      ["401", "fail-login", { code: 401 }, "Logged out"],
      ["403", "fail-login", { code: 403 }, "Forbidden, often a ban"],
      ["405", "fail-login", { code: 405 }, "The client is too old"],
      ["503", "fail-login", { code: 503 }, "Try again later"],
      ["Remove device", "remove-device", {}, "401 now and at every later login", "needsNumber"],
    ],
  ],
  [
    "Upgrade, everybody",
    [
      ["429 three times", "refuse-upgrade", { status: 429, times: 3 }, "Too many connections", "noTarget"],
      ["503 three times", "refuse-upgrade", { status: 503, times: 3 }, "Not available", "noTarget"],
      ["Accept again", "refuse-upgrade", { status: null }, "Ends the refusals", "noTarget"],
    ],
  ],
  [
    "Sending",
    [
      ["Refuse next (479)", "ack-error", { code: 479, times: 1 }, "The next message is rejected"],
      ["Refuse next (463)", "ack-error", { code: 463, times: 1 }, "The next message lacks a privacy token"],
      ["Acks after 5 s", "ack-delay", { delayMs: 5000 }, "Acknowledged late"],
      ["Acks at once", "ack-delay", { delayMs: 0 }, "Ends the delay"],
      ["No acks", "withhold-acks", { on: true }, "Delivered, never acknowledged"],
      ["Acks again", "withhold-acks", { on: false }, "Ends it"],
      ["No receipts", "receipts", { timing: "never" }, "Nobody confirms delivery"],
      ["Receipts after 5 s", "receipts", { timing: 5000 }, "Delivery is confirmed late"],
      ["Receipts again", "receipts", { timing: null }, "Ends it"],
      ["Ignore one usync", "ignore-query", { xmlns: "usync" }, "A query stays unanswered", "noTarget"],
    ],
  ],
  [
    "Media, everybody",
    [
      ["Next upload 500", "media-upload", { status: 500 }, "The media host fails", "noTarget"],
      ["Next download 404", "media-download", { status: 404 }, "The file is gone", "noTarget"],
      ["Slow by 3 s", "media-delay", { delayMs: 3000 }, "Every media request waits", "noTarget"],
      ["Fast again", "media-delay", { delayMs: 0 }, "Ends it", "noTarget"],
    ],
  ],
];

let channels = [];

export function startFaults() {
  byId("fault-groups").append(...groups.map(([name, faults]) => fieldset(name, faults)));
  byId("mend").addEventListener("click", () =>
    attempt(async () => {
      await post("faults/clear");
      return "Everything works again.";
    }),
  );
}

export function drawFaults({ accounts }) {
  channels = accounts.filter(isChannel).map((account) => account.phoneNumber);
  offer(byId("target"), [["all", "every channel"], ...channels.map((number) => [number, pretty(number)])]);
}

function fieldset(name, faults) {
  return element(
    "fieldset",
    {},
    element("legend", {}, name),
    element("div", { className: "chips" }, ...faults.map(button)),
  );
}

function button([label, fault, input, meaning, scope]) {
  const press = (event) =>
    attemptWith(event.currentTarget, async () => {
      for (const target of targets(scope)) await post(`faults/${fault}`, { ...target, ...input });
      return `${label}: ${meaning.toLowerCase()}.`;
    });
  return element("button", { type: "button", className: "chip", title: meaning, onclick: press }, label);
}

function targets(scope) {
  if (scope === "noTarget") return [{}];
  const target = byId("target").value;
  if (scope !== "needsNumber" || target !== "all") return [{ target }];
  if (channels.length === 0) throw new Error("No device is linked yet.");
  return channels.map((number) => ({ target: number }));
}
