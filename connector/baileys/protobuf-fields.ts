/** A field of an encoded message. */
export interface ProtobufField {
  number: number;
  /** The value of a field that has a length: text, bytes or a message. */
  bytes?: Uint8Array;
}

/** The sizes of values that have one, by wire type. */
const sizes: Partial<Record<number, number>> = { 1: 8, 5: 4 };

/** The fields of an encoded message, without a schema. Throws a `RangeError` for what is no message. */
export function fieldsIn(encoded: Uint8Array): ProtobufField[] {
  const fields: ProtobufField[] = [];
  let at = 0;
  const varint = () => {
    let value = 0;
    for (let shift = 1; ; shift *= 128) {
      const byte = encoded[at++];
      if (byte === undefined) throw new RangeError("The message is cut off");
      value += (byte % 128) * shift;
      if (byte < 128) return value;
    }
  };
  while (at < encoded.length) {
    const tag = varint();
    const [number, wireType] = [Math.floor(tag / 8), tag % 8];
    if (wireType === 0) varint();
    const length = wireType === 2 ? varint() : (sizes[wireType] ?? (wireType === 0 ? 0 : Number.NaN));
    if (!(at + length <= encoded.length)) throw new RangeError("The message is cut off, or has a group");
    fields.push({ number, ...(wireType === 2 && { bytes: encoded.subarray(at, at + length) }) });
    at += length;
  }
  return fields;
}
