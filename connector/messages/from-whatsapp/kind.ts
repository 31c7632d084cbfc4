import type { ReceivedContent } from "#shared/received-content.ts";
import type { proto } from "../../baileys/baileys.ts";

export type Body = proto.IMessage;

/** A content in our words, and the text in it that people see. */
export interface Converted {
  content: ReceivedContent;
  text: string;
}

/** A field of WhatsApp's message whose presence makes the kind. */
export type Field = Exclude<keyof Body, "messageContextInfo">;

type Converter<Value> = (value: Value) => Converted;

/** Converts the value of a field. */
export type Convert<F extends Field> = Converter<NonNullable<Body[F]>>;
