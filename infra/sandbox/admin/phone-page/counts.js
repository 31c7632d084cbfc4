import { post } from "./api.js";
import { byId, element, show } from "./element.js";
import { attempt } from "./notice.js";

/** Each of these means that a client, or the sandbox, did something that it must not do. */
const faulty = [
  ["unknownNodes", "Unknown nodes"],
  ["decryptFailures", "Decrypt failures"],
  ["reusedRatchetCounters", "Reused ratchet counters"],
  ["simultaneousSockets", "Two sockets of one device"],
  ["badDeviceIdentities", "Bad device identities"],
  ["handlerErrors", "Errors in the sandbox"],
];
const normal = [
  ["pairings", "Pairings"],
  ["logins", "Logins"],
  ["failedLogins", "Failed logins"],
  ["refusedUpgrades", "Refused upgrades"],
  ["retriesReceived", "Retries received"],
  ["retriesAsked", "Retries requested"],
  ["forcedDecryptFailures", "Forced decrypt failures"],
];
const media = [
  ["uploads", "Media uploads"],
  ["downloads", "Media downloads"],
  ["failed", "Media requests failed on purpose"],
];

export function startCounts() {
  byId("reset").addEventListener("click", () => attempt(() => post("counts/reset")));
}

export function drawCounts({ counts }) {
  show(byId("count-list"), counts, () => [
    list(faulty.map(([name, label]) => [label, counts[name], counts[name] > 0 ? "bad" : "good"])),
    list([...rows(normal, counts), ...rows(media, counts.media)]),
    element(
      "details",
      {},
      element("summary", {}, "Stanzas"),
      list(Object.entries(counts.stanzas).map(([tag, count]) => [`from clients: ${tag}`, count, ""])),
      list(Object.entries(counts.sent).map(([tag, count]) => [`to clients: ${tag}`, count, ""])),
    ),
  ]);
}

const rows = (names, values) => names.map(([name, label]) => [label, values[name], ""]);

function list(entriesOf) {
  const entries = entriesOf.map(([label, count, kind]) =>
    element("div", {}, element("dt", {}, label), element("dd", { className: kind }, String(count))),
  );
  return element("dl", {}, ...entries);
}
