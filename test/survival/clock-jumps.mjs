// Loaded into a program before its own code (`node --import`): a host whose clock is set forwards and back while the program
// runs. The file named by CLOCK_FILE says by how many milliseconds it is wrong now. The monotonic clock goes on as ever.

import { readFileSync } from 'node:fs';

const file = process.env.CLOCK_FILE;
const trueNow = Date.now;
const LOOK_MS = 20;
let wrongByMs = 0;
let lookedAt = Number.NEGATIVE_INFINITY;

function now() {
  if (file !== undefined && performance.now() - lookedAt > LOOK_MS) {
    wrongByMs = Number.parseInt(readFileSync(file, 'utf8'), 10);
    lookedAt = performance.now();
  }
  return trueNow() + wrongByMs;
}

globalThis.Date = class extends Date {
  constructor(...parts) {
    if (parts.length === 0) super(now());
    else super(...parts);
  }

  static now() {
    return now();
  }
};
