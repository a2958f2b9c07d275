// Time as an argument. Nothing in core, and no service, reads the machine's clock by itself.

export interface Clock {
  /** Milliseconds since 1970. Not monotonic: a machine's clock may be set back. */
  nowMs(): number;
}
