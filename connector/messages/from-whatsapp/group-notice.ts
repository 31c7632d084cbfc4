import { normaliseJid, phoneNumberOf } from "#shared/jid.ts";
import type { ReceivedContent } from "#shared/received-content.ts";
import { proto, type WAMessage } from "../../baileys/baileys.ts";
import type { Converted } from "./kind.ts";

type Notice = Extract<ReceivedContent, { type: "group_notice" }>;
type Facts = Omit<Notice, "type">;

const { StubType } = proto.WebMessageInfo;

/** More are not kept: a group has at most 1,024 members. */
const peopleMax = 1_024;

const people = (action: Notice["action"]) => (parameters: readonly string[]) => ({
  action,
  people: parameters.slice(0, peopleMax).flatMap((parameter) => personIn(parameter) ?? []),
});
const setting = (action: Notice["action"]) => (parameters: readonly string[]) => ({
  action,
  isOn: parameters[0] === "on" || parameters[0] === "true",
});

/** The notices, by the number that WhatsApp has for each. */
const notices: { [stubType: number]: (parameters: readonly string[]) => Facts } = {
  [StubType.GROUP_CREATE]: ([subject = ""]) => ({ action: "created", subject }),
  [StubType.GROUP_CHANGE_SUBJECT]: ([subject = ""]) => ({ action: "subject_changed", subject }),
  [StubType.GROUP_CHANGE_DESCRIPTION]: ([description = ""]) => ({
    action: "description_changed",
    description,
  }),
  [StubType.GROUP_CHANGE_ICON]: () => ({ action: "picture_changed" }),
  [StubType.GROUP_CHANGE_INVITE_LINK]: () => ({ action: "invite_renewed" }),
  [StubType.GROUP_CHANGE_ANNOUNCE]: setting("announcements_only"),
  [StubType.GROUP_CHANGE_RESTRICT]: setting("locked"),
  [StubType.GROUP_PARTICIPANT_ADD]: people("added"),
  [StubType.GROUP_PARTICIPANT_REMOVE]: people("removed"),
  [StubType.GROUP_PARTICIPANT_LEAVE]: people("left"),
  [StubType.GROUP_PARTICIPANT_PROMOTE]: people("promoted"),
  [StubType.GROUP_PARTICIPANT_DEMOTE]: people("demoted"),
};

/** The notice of a change of a group; null for a message of another kind. */
export function groupNotice({ messageStubType, messageStubParameters }: WAMessage): Converted | null {
  const facts = notices[messageStubType ?? StubType.UNKNOWN]?.(messageStubParameters ?? []);
  if (!facts) return null;
  return { content: { type: "group_notice", ...facts }, text: facts.subject ?? facts.description ?? "" };
}

/** Baileys writes a person as JSON with both addresses. */
function personIn(parameter: string): string | null {
  const { id, phoneNumber } = parsed(parameter);
  return (
    [phoneNumber, id].map((jid) => normaliseJid(jid)).find((jid) => phoneNumberOf(jid) !== null) ??
    normaliseJid(id)
  );
}

function parsed(parameter: string): { id?: string; phoneNumber?: string } {
  try {
    const value: unknown = JSON.parse(parameter);
    const of = (name: string) => {
      const field =
        typeof value === "object" && value !== null ? (value as Record<string, unknown>)[name] : null;
      return typeof field === "string" ? { [name]: field } : {};
    };
    return { ...of("id"), ...of("phoneNumber") };
  } catch {
    return {};
  }
}
