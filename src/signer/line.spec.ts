import { describe, expect, it } from '@jest/globals';
import { Line } from './line.js';

describe('a line', () => {
  it('lets through in the order in which they came, whoever is ready first, and past one that failed', async () => {
    const line = new Line();
    const works = [1, 2, 3, 4].map(() => Promise.withResolvers<void>());
    const through: string[] = [];
    const turns = works.map(({ promise }, at) =>
      line.after(promise).then(
        () => through.push(`${at}`),
        () => through.push(`${at} failed`),
      ),
    );
    works[3]?.resolve();
    works[2]?.resolve();
    await new Promise((resolve) => setImmediate(resolve));
    expect(through).toEqual([]);
    works[1]?.reject(new Error('not this one'));
    works[0]?.resolve();
    await Promise.all(turns);
    expect(through).toEqual(['0', '1 failed', '2', '3']);
  });
});
