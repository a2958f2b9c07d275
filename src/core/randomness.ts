// Randomness as an argument, so that a test can repeat what a program did. What must be unguessable asks for bytes.

export interface Randomness {
  /** Unguessable bytes. */
  bytes(length: number): Uint8Array;
  /** In [0, 1); for spreading things in time, never for secrets or money. */
  fraction(): number;
}
