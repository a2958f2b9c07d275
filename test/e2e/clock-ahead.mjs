// Loaded into a program before its own code (`node --import`): a host whose clock is CLOCK_AHEAD_MS ahead of the true
// time, or behind it when that is negative. The monotonic clock is left alone, as on such a host.

const aheadMs = Number.parseInt(process.env.CLOCK_AHEAD_MS ?? '0', 10);
const trueNow = Date.now;

globalThis.Date = class extends Date {
  constructor(...parts) {
    if (parts.length === 0) super(trueNow() + aheadMs);
    else super(...parts);
  }

  static now() {
    return trueNow() + aheadMs;
  }
};
