import { describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { duration, pinShape } from './options.js';

describe('options', () => {
  it.each([
    ['90s', 90_000],
    ['30m', 1_800_000],
    ['24h', 86_400_000],
    ['7d', 604_800_000],
  ])('reads the duration %s', (text, ms) => {
    expect(duration.parse(text)).toBe(ms);
  });

  it.each(['', '5', '0s', '-5m', '1.5h', '5 m', '5w', '9999999s'])('refuses %j as a duration', (text) => {
    expect(duration.safeParse(text).success).toBe(false);
  });

  it('takes a deployment id as it was read out, in groups', () => {
    const pin = z.object(pinShape);
    const grouped = 'AB12 '.repeat(16);
    expect(pin.parse({ deployment: grouped })).toEqual({ deployment: 'ab12'.repeat(16) });
    expect(pin.safeParse({ deployment: 'ab12' }).success).toBe(false);
  });
});
