import type { Unlinking } from "../unlinkings.ts";
import type { Check, Violation } from "./check.ts";

/** A logout or delete is confirmed only after WhatsApp has removed the device, and every one is confirmed in the end. */
export const unlinked: Check = ({ unlinkings }) => {
  const early = unlinkings.filter(({ devicesThen }) => (devicesThen ?? 0) > 0);
  const open = unlinkings.filter(({ confirmedAt }) => confirmedAt === null);
  const left = unlinkings.filter(({ phone }) => phone.devices().length > 0);
  const unanswered = unlinkings.filter((one) => one.unanswered > 0).length;
  return {
    promise: "no logout or delete is believed before WhatsApp confirmed it",
    counted: `${countOf(unlinkings, "logout")} logouts, ${countOf(unlinkings, "delete")} deletes, ${unanswered} without an answer at first: ${early.length} believed early, ${open.length} never confirmed, ${left.length} still linked`,
    violations: [
      ...early.map((one) => violationOf(one, "was confirmed while the phone still listed the device")),
      ...open.map((one) => violationOf(one, "was never confirmed")),
      ...left.map((one) => violationOf(one, "left the device on the phone's list")),
    ],
  };
};

function countOf(unlinkings: readonly Unlinking[], kind: Unlinking["kind"]): number {
  return unlinkings.filter((one) => one.kind === kind).length;
}

function violationOf({ phone, ...about }: Unlinking, what: string): Violation {
  return {
    what: `${about.kind} of ${about.channelId} ${what}`,
    at: about.confirmedAt ?? about.askedAt,
    about: { ...about, phone: phone.phoneNumber },
  };
}
