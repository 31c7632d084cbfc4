import { post } from "./api.js";
import { byId, element } from "./element.js";
import { attempt, attemptWith } from "./notice.js";
import { isChannel, offer, pretty } from "./people.js";

/**
 * Label, fault, its input besides the target, its effect. `needsNumber`: sent once per channel instead of for "all";
 * `noTarget`: affects every channel.
 */
const groups = [
  [
    "Connection",
    [
      ["Cut TCP", "drop", {}, "The connection drops without notice"],
      ["515 restart", "stream-error", { code: 515 }, "WhatsApp asks for a new connection"],
      [
        "503 overloaded",
        "stream-error",
        { code: 503 },
        "WhatsApp reports that it is overloaded, and hangs up",
      ],
      ["500 unexplained", "stream-error", { code: 500 }, "WhatsApp hangs up with an unexplained error"],
      ["440 replaced", "replace", {}, "Another client took over the session", "needsNumber"],
      ["Go silent", "silence", { on: true }, "The socket stays open, but nothing gets through"],
      ["End silence", "silence", { on: false }, "The silence is over"],
    ],
  ],
  [
    "Next login (with “every channel”: whichever logs in first)",
    [
      ["401 logged out", "fail-login", { code: 401 }, "The login is refused: the device was removed"],
      ["403 banned", "fail-login", { code: 403 }, "The login is refused: forbidden, often a ban"],
      ["405 outdated", "fail-login", { code: 405 }, "The login is refused: the client is too old"],
      ["503 overloaded", "fail-login", { code: 503 }, "The login is refused: try again later"],
    ],
  ],
  [
    "Every login",
    [
      [
        "401 device removed",
        "remove-device",
        {},
        "The connection ends, and every login is refused",
        "needsNumber",
      ],
    ],
  ],
  [
    "Websocket upgrade, every channel",
    [
      [
        "429 too many, 3 times",
        "refuse-upgrade",
        { status: 429, times: 3 },
        "The next three connections are refused: too many requests",
        "noTarget",
      ],
      [
        "503 unavailable, 3 times",
        "refuse-upgrade",
        { status: 503, times: 3 },
        "The next three connections are refused: service unavailable",
        "noTarget",
      ],
      ["Accept again", "refuse-upgrade", { status: null }, "Connections are accepted again", "noTarget"],
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
      ["No acks", "withhold-acks", { on: true }, "Messages are delivered but never acknowledged"],
      ["Acks again", "withhold-acks", { on: false }, "Messages are acknowledged again"],
      ["No receipts", "receipts", { timing: "never" }, "Delivery is never confirmed"],
      ["Receipts after 5 s", "receipts", { timing: 5000 }, "Delivery is confirmed late"],
      ["Receipts again", "receipts", { timing: null }, "Delivery is confirmed as usual"],
      [
        "Lose sessions",
        "forget-sessions",
        {},
        "Contacts can't decrypt the next message, and request it again",
      ],
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
    "Media, every channel",
    [
      ["500 for the next upload", "media-upload", { status: 500 }, "The next upload fails", "noTarget"],
      [
        "404 for the next download",
        "media-download",
        { status: 404 },
        "The next download finds no file",
        "noTarget",
      ],
      [
        "Delay of 3 s",
        "media-delay",
        { delayMs: 3000 },
        "Every media request is answered 3 s late",
        "noTarget",
      ],
      ["No delay", "media-delay", { delayMs: 0 }, "Media requests are answered at once", "noTarget"],
    ],
  ],
];

let channels = [];

export function startFaults() {
  byId("fault-groups").append(...groups.map(([name, faults]) => fieldset(name, faults)));
  byId("clear").addEventListener("click", () =>
    attempt(async () => {
      await post("faults/clear");
      return "All faults are cleared.";
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

function button([label, fault, input, effect, scope]) {
  const press = (event) =>
    attemptWith(event.currentTarget, async () => {
      for (const target of targets(scope)) await post(`faults/${fault}`, { ...target, ...input });
      return `${label}. ${effect}.`;
    });
  return element("button", { type: "button", className: "chip", title: effect, onclick: press }, label);
}

function targets(scope) {
  if (scope === "noTarget") return [{}];
  const target = byId("target").value;
  if (scope !== "needsNumber" || target !== "all") return [{ target }];
  if (channels.length === 0) throw new Error("No device is linked yet.");
  return channels.map((number) => ({ target: number }));
}
