// The machine's clock.

import type { Clock } from '../core/clock.js';

export const systemClock: Clock = { nowMs: () => Date.now() };
