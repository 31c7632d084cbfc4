/** Shows what changes say of commands, as expressions of a pipeline: only what the driver can read, whoever wrote it. */

import { isShortText } from "./short-text.ts";

/** A longer one is no id of ours. */
const idBytesMax = 100;
/** The fields that an update has set. */
export const updated = "$updateDescription.updatedFields";

const isOf = (type: string, field: string) => ({ $eq: [{ $type: field }, type] });

/** The text of an id; absent when it is longer, or of another type. */
export const shortText = (field: string) => ({ $cond: [isShortText(field, idBytesMax), field, "$$REMOVE"] });

/** An update that changes only a part of the result does not show the rest. */
const hasOutcome = {
  $in: ["object", [{ $type: `${updated}.result` }, { $type: `${updated}.error` }]],
};

const inserted = "$fullDocument";
const to = `${inserted}.payload.to`;
const text = `${inserted}.payload.content.text`;
const textPayload = { to, content: { type: "text", text } };
/**
 * Whether a command is a text as the functions queue one. Other services may write any value into any field, and of some the
 * driver cannot read a single one: so each field is shown only if it has its type, and nothing else is.
 */
export const isQueuedText = {
  $and: [
    { $eq: [`${inserted}.attempts`, 0] },
    { $lte: [`${inserted}.adoptedAt`, null] },
    { $in: [`${inserted}.lane`, [0, 1, 2]] },
    ...["_id", "channelId", "messageId"].map((field) => isShortText(`${inserted}.${field}`, idBytesMax)),
    ...[`${inserted}.type`, `${inserted}.state`, to, text].map((field) => isOf("string", field)),
    ...["notBefore", "expiresAt", "createdAt"].map((field) => isOf("date", `${inserted}.${field}`)),
    isOf("timestamp", `${inserted}.ord`),
    { $eq: [`${inserted}.payload`, textPayload] },
  ],
};
export const queuedText = {
  ...Object.fromEntries(
    [
      "_id",
      "channelId",
      "type",
      "lane",
      "ord",
      "state",
      "messageId",
      "notBefore",
      "expiresAt",
      "createdAt",
    ].map((field) => [field, `${inserted}.${field}`]),
  ),
  keyId: shortText(`${inserted}.keyId`),
  attempts: { $literal: 0 },
  payload: textPayload,
};

const [result, error] = [`${updated}.result`, `${updated}.error`];
const scalars = ["string", "int", "long", "double", "bool", "null"];
/** Whether a field is absent, or an object whose fields are of these types. */
const isPlain = (field: string, types: readonly string[]) => {
  const fields = { $objectToArray: { $cond: [isOf("object", field), field, {}] } };
  const found = { $map: { input: fields, in: { $type: "$$this.v" } } };
  return { $and: [{ $in: [{ $type: field }, ["object", "missing"]] }, { $setIsSubset: [found, types] }] };
};
/** Other services may end a command, too, with whatever they like. */
export const isEndReadable = {
  $and: [
    hasOutcome,
    isOf("string", `${updated}.state`),
    isPlain(result, scalars),
    isPlain(error, [...scalars, "object"]),
    isPlain(`${error}.details`, scalars),
  ],
};
/** How it ended, as the change shows it. */
export const commandEnd = {
  state: `${updated}.state`,
  result,
  error: {
    $cond: [
      isOf("object", error),
      { code: `${error}.code`, message: `${error}.message`, details: `${error}.details` },
      "$$REMOVE",
    ],
  },
};
