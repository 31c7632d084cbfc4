import { get } from "./api.js";
import { drawChat, startChat } from "./chat.js";
import { drawCounts, startCounts } from "./counts.js";
import { drawDevices } from "./devices.js";
import { byId } from "./element.js";
import { drawFaults, startFaults } from "./faults.js";
import { drawPairings, startPairings } from "./pairings.js";

const pollMs = 1000;

startPairings();
startChat();
startFaults();
startCounts();
void poll();

/** Draws the current state, and polls again. A hidden page fetches nothing until it is shown. */
async function poll() {
  if (!document.hidden) {
    try {
      const state = await get("state", AbortSignal.timeout(10_000));
      drawPairings(state);
      drawDevices(state);
      drawFaults(state);
      drawCounts(state);
      await drawChat(state);
      drawConsoleLink(state);
      connection("Live", "live");
    } catch {
      connection("Sandbox not reachable", "gone");
    }
  }
  setTimeout(poll, pollMs);
}

function drawConsoleLink({ consoleUrl }) {
  const link = byId("console");
  link.hidden = consoleUrl === null;
  if (consoleUrl !== null) link.href = consoleUrl;
}

function connection(text, kind) {
  const pill = byId("connection");
  pill.dataset.kind = kind;
  if (pill.textContent !== text) pill.textContent = text;
}
