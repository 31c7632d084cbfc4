import type { proto } from "../../baileys/baileys.ts";
import { epoch, filled, timeOf, whole } from "./fields.ts";
import type { Convert, Converted } from "./kind.ts";

type Poll = proto.Message.IPollCreationMessage;
type PollResult = proto.Message.IPollResultSnapshotMessage;

export const poll = ({ name, options, selectableOptionsCount }: Poll): Converted => {
  const names = (options ?? []).map(({ optionName }) => optionName ?? "");
  // None given means any number.
  const selectable = whole(selectableOptionsCount) || names.length;
  return { content: { type: "poll", name: name ?? "", options: names, selectable }, text: name ?? "" };
};

export const pollResult = ({ name, pollVotes }: PollResult): Converted => {
  const votes = (pollVotes ?? []).map(({ optionName, optionVoteCount }) => ({
    option: optionName ?? "",
    count: whole(optionVoteCount) ?? 0,
  }));
  return { content: { type: "poll_result", name: name ?? "", votes }, text: name ?? "" };
};

export const event: Convert<"eventMessage"> = (value) => {
  const { name, startTime, endTime, description, location, joinLink, isCanceled } = value;
  return {
    content: {
      type: "event",
      name: name ?? "",
      start: timeOf(startTime) ?? epoch,
      ...filled({ end: endTime ? timeOf(endTime) : undefined, description, joinUrl: joinLink }),
      ...filled({ location: location?.name || location?.address }),
      ...(isCanceled && { isCancelled: true }),
    },
    text: name ?? "",
  };
};
