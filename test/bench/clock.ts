/** Milliseconds on the monotonic clock, which all processes of a Linux machine share. */
export const nowMs = (): number => Number(process.hrtime.bigint()) / 1e6;
