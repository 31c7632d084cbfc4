import { post } from "./api.js";
import { byId, element, show } from "./element.js";
import { attemptWith } from "./notice.js";
import { isChannel, pretty } from "./people.js";

export function drawDevices({ accounts }) {
  show(byId("device-list"), accounts.filter(isChannel), (channels) =>
    channels.length === 0
      ? element("p", { className: "empty" }, "No phone has a linked device yet.")
      : channels.flatMap((account) => account.devices.map((device) => card(account, device))),
  );
}

function card(account, device) {
  const unlink = (event) =>
    attemptWith(event.currentTarget, async () => {
      await post(`accounts/${account.phoneNumber}/unlink`, { deviceId: device.deviceId });
      return `${device.platform} was unlinked from ${pretty(account.phoneNumber)}.`;
    });
  const waiting = device.queued > 0 ? `, ${device.queued} waiting` : "";
  return element(
    "article",
    { className: "card row" },
    element("span", { className: `dot ${device.isConnected ? "on" : "off"}`, "aria-hidden": "true" }),
    element(
      "div",
      { className: "grow" },
      element("strong", {}, pretty(account.phoneNumber)),
      element(
        "p",
        { className: "soft" },
        `${device.platform}, device ${device.deviceId}, ${device.isConnected ? "connected" : "offline"}${waiting}`,
      ),
    ),
    element(
      "button",
      {
        type: "button",
        className: "quiet danger",
        "data-key": device.jid,
        "aria-label": `Unlink ${device.platform} from ${pretty(account.phoneNumber)}`,
        onclick: unlink,
      },
      "Unlink",
    ),
  );
}
