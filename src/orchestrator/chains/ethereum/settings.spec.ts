import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { chainIdOf, ethereumSettings, providerUrl } from './settings.js';

const a = { name: 'a', url: 'http://127.0.0.1:8545' };
const b = { name: 'b', url: 'http://127.0.0.1:8546' };
const c = { name: 'c', url: 'http://127.0.0.1:8547' };
const d = { name: 'd', url: 'http://127.0.0.1:8548' };

const complaints = (settings: unknown): string[] =>
  ethereumSettings.safeParse(settings).error?.issues.map((issue) => issue.message) ?? [];

describe('ethereumSettings', () => {
  it('compare several nodes unless they are told to believe one', () => {
    const reading = (count: number) =>
      ethereumSettings.parse({ providers: [a, b, c, d].slice(0, count) }).reading;
    expect([2, 3, 4].map(reading)).toEqual([
      { mode: 'quorum', agreeing: 2 },
      { mode: 'quorum', agreeing: 2 },
      { mode: 'quorum', agreeing: 3 },
    ]);
    const told = ethereumSettings.parse({ providers: [a, b], reading: { mode: 'fail-over' } });
    expect(told.reading).toEqual({ mode: 'fail-over' });
  });

  it('need a node and nothing else', () => {
    const settings = ethereumSettings.parse({ providers: [a] });
    expect(settings.reading).toEqual({ mode: 'fail-over' });
    expect(settings.confirmations).toEqual({ by: 'tag', tag: 'finalized' });
    expect(settings.fees.replacementBumpPercent).toBeGreaterThanOrEqual(10);
    expect(settings.fees.maxFeePerGasCeilingWei).toBe(300_000_000_000n);
  });

  it.each([
    ['there is no node', { providers: [] }],
    ['a bump is below 10 %', { providers: [a], fees: { replacementBumpPercent: 9 } }],
    ['an amount is a number', { providers: [a], fees: { maxFeePerGasCeilingWei: 5 } }],
    ['a gas cap is above what is ever signed', { providers: [a], gas: { erc20Cap: 1_000_001 } }],
    ['a field is unknown', { providers: [a], trustEverybody: true }],
    ['a URL is no HTTP URL', { providers: [{ name: 'a', url: 'file:///etc/passwd' }] }],
    ['a provider has neither URL nor file', { providers: [{ name: 'a' }] }],
  ])('refuses when %s', (_what, settings) => {
    expect(complaints(settings)).not.toEqual([]);
  });

  it.each([
    [
      'two providers have one URL',
      { providers: [a, { ...b, url: a.url }] },
      'two providers have the same URL: one node cannot agree with itself',
    ],
    [
      'two providers have one name',
      { providers: [a, { ...b, name: 'a' }] },
      'two providers have the same name',
    ],
    [
      'more must agree than there are',
      { providers: [a, b], reading: { mode: 'quorum', agreeing: 3 } },
      'more nodes must agree than there are',
    ],
    [
      'two quorums could disagree',
      { providers: [a, b, c, d], reading: { mode: 'quorum', agreeing: 2 } },
      'a quorum is more than half of the nodes',
    ],
    [
      'credentials stand in a URL',
      { providers: [{ name: 'a', url: 'http://user:secret@127.0.0.1:8545' }] },
      'credentials do not belong into a URL here; use urlFile',
    ],
    [
      'the priority fee fallback is above its ceiling',
      { providers: [a], fees: { priorityFeeFallbackWei: '2', priorityFeeCeilingWei: '1' } },
      'the fallback is above the ceiling',
    ],
  ])('refuses when %s, and says so', (_what, settings, message) => {
    expect(complaints(settings)).toContain(message);
  });

  it('takes a URL from a file, and refuses a file that holds none', () => {
    const folder = mkdtempSync(join(tmpdir(), 'portcullis-rpc-'));
    const urlFile = join(folder, 'node');
    try {
      writeFileSync(urlFile, 'https://127.0.0.1:8545/a-secret-key\n');
      expect(providerUrl({ name: 'a', urlFile })).toBe('https://127.0.0.1:8545/a-secret-key');
      writeFileSync(urlFile, 'not a url\n');
      expect(() => providerUrl({ name: 'a', urlFile })).toThrow(
        expect.objectContaining({ code: 'provider-url-malformed' }),
      );
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

describe('chainIdOf', () => {
  it('reads the id of a chain, and refuses a Bitcoin chain', () => {
    expect(chainIdOf('eip155:31337')).toBe(31_337);
    expect(() => chainIdOf(`bip122:${'0'.repeat(32)}`)).toThrow(
      expect.objectContaining({ code: 'wallet-other-chain' }),
    );
  });
});
