/** Preloaded into a process: its wall clock is off by this many milliseconds, while timers and monotonic time are right. */
const shiftMs = Number(process.env.TEST_CLOCK_SHIFT_MS ?? 0);
const RealDate = Date;

/** `Date`, off by the shift wherever it reads the clock. */
const ShiftedDate = new Proxy(RealDate, {
  construct(target, given, newTarget) {
    return Reflect.construct(target, given.length === 0 ? [target.now() + shiftMs] : given, newTarget);
  },
  apply: (target) => new target(target.now() + shiftMs).toString(),
  get(target, name, receiver) {
    if (name === "now") return () => target.now() + shiftMs;
    return Reflect.get(target, name, receiver);
  },
});
ShiftedDate.prototype.constructor = ShiftedDate;
globalThis.Date = ShiftedDate;
