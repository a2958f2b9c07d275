// The machine's source of randomness.

import { randomBytes } from 'node:crypto';
import type { Randomness } from '../core/randomness.js';

const TWO_TO_THE_32 = 4_294_967_296;

export const systemRandomness: Randomness = {
  bytes: (length) => new Uint8Array(randomBytes(length)),
  fraction: () => randomBytes(4).readUInt32BE() / TWO_TO_THE_32,
};
