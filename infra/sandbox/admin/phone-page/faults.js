import { post } from "./api.js";
import { byId, element } from "./element.js";
import { attempt, attemptWith } from "./notice.js";
import { isChannel, offer, pretty } from "./people.js";

/**
 * Label, fault, what it takes beside the target, what is so from now on. `needsNumber`: once per channel instead of
 * "all"; `noTarget`: for everybody anyway.
 */
const groups = [
  [
    "Connection",
    [
      ["Cut TCP", "drop", {}, "The connection is gone without a word"],
      ["515 restart", "stream-error", { code: 515 }, "WhatsApp asks for a new connection"],
      ["503 overloaded", "stream-error", { code: 503 }, "WhatsApp says it is overloaded, and hangs up"],
      ["500 unexplained", "stream-error", { code: 500 }, "WhatsApp hangs up with an error nobody explains"],
      ["440 replaced", "replace", {}, "Another client took the session over", "needsNumber"],
      ["Go silent", "silence", { on: true }, "The socket stays open, nothing comes"],
      ["Speak again", "silence", { on: false }, "The silence is over"],
    ],
  ],
  [
    "Next login (with “every channel”: the first of any)",
    [
      ["401 logged out", "fail-login", { code: 401 }, "It is refused: the device was removed"],
      ["403 banned", "fail-login", { code: 403 }, "It is refused: forbidden, often a ban"],
      ["405 outdated", "fail-login", { code: 405 }, "It is refused: the client is too old"],
      ["503 overloaded", "fail-login", { code: 503 }, "It is refused: try again later"],
    ],
  ],
  [
    "Every login",
    [["401 device removed", "remove-device", {}, "Refused from now on; hung up at once", "needsNumber"]],
  ],
  [
    "Websocket upgrade, everybody",
    [
      [
        "429 too many, 3 times",
        "refuse-upgrade",
        { status: 429, times: 3 },
        "The next three connections are refused as too many",
        "noTarget",
      ],
      [
        "503 not available, 3 times",
        "refuse-upgrade",
        { status: 503, times: 3 },
        "The next three connections find WhatsApp not available",
        "noTarget",
      ],
      ["Accept again", "refuse-upgrade", { status: null }, "Connections are accepted", "noTarget"],
    ],
  ],
  [
    "Sending",
    [
      ["479 refuse next", "ack-error", { code: 479, times: 1 }, "The next message is rejected"],
      [
        "463 no privacy token",
        "ack-error",
        { code: 463, times: 1 },
        "The next message lacks a privacy token",
      ],
      ["Acks after 5 s", "ack-delay", { delayMs: 5000 }, "Messages are acknowledged late"],
      ["Acks at once", "ack-delay", { delayMs: 0 }, "Messages are acknowledged at once"],
      ["No acks", "withhold-acks", { on: true }, "Messages are delivered, never acknowledged"],
      ["Acks again", "withhold-acks", { on: false }, "Messages are acknowledged again"],
      ["No receipts", "receipts", { timing: "never" }, "Nobody confirms delivery"],
      ["Receipts after 5 s", "receipts", { timing: 5000 }, "Delivery is confirmed late"],
      ["Receipts again", "receipts", { timing: null }, "Delivery is confirmed as usual"],
      ["Lose sessions", "forget-sessions", {}, "Contacts can't read the next message, and ask for it again"],
      [
        "Ignore one usync",
        "ignore-query",
        { xmlns: "usync" },
        "The next usync query stays unanswered",
        "noTarget",
      ],
    ],
  ],
  [
    "Media, everybody",
    [
      ["500 for the next upload", "media-upload", { status: 500 }, "The media host fails once", "noTarget"],
      ["404 for the next download", "media-download", { status: 404 }, "The file is gone, once", "noTarget"],
      ["Slow by 3 s", "media-delay", { delayMs: 3000 }, "Every media request waits", "noTarget"],
      ["Fast again", "media-delay", { delayMs: 0 }, "Media requests are answered at once", "noTarget"],
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
      return `${label}. ${meaning}.`;
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
