/** A write that survives the loss of a server, or fails. */
export const durably = { writeConcern: { w: "majority", j: true } } as const;
