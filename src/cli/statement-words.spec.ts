import { describe, expect, it } from '@jest/globals';
import { NOW, requestWith, servedWith, state } from './cli.fixture.js';
import { render } from './lines.js';
import { digestOf, statementLines } from './statement-words.js';

const USDX = {
  kind: 'erc20',
  symbol: 'USDX',
  decimals: 6,
  contract: '0x5FbDB2315678afecb367f032d93F642f64180aa3',
} as const;

describe('the statement on an officer’s screen', () => {
  it('shows every value of the statement in full', () => {
    const { statement } = servedWith(requestWith());
    const text = render(statementLines('approve', statement, state, NOW), false);
    const together = text.replaceAll(' ', '');
    const { asset: _asset, kind: _kind, expiresAtMs: _expires, ...rest } = statement;
    for (const value of Object.values<string>(rest)) expect(together).toContain(value);
    expect(text).toContain('0.25 BTC  =  25000000 sat');
    expect(text).toContain('bcrt 1qw5 08d6 qejx tdg4 y5r3 zarv ary0 c5xw 7kyg t080');
    expect(text).toContain('2023-11-14 22:45:00 UTC, in 30 minutes');
    expect(text).toContain('Bitcoin regtest');
  });

  it('shows the contract of a token', () => {
    const { statement } = servedWith(requestWith({ asset: USDX }));
    expect(render(statementLines('approve', statement, state, NOW), false)).toContain(
      '0x 5FbD B231 5678 afec b367 f032 d93F 642f 6418 0aa3',
    );
  });

  it('says reject where a rejection is signed, with another digest', () => {
    const { statement } = servedWith(requestWith());
    expect(render(statementLines('reject', statement, state, NOW), false)).toContain('REJECT');
    expect(digestOf('reject', statement)).not.toBe(digestOf('approve', statement));
  });

  it('fits into 100 columns', () => {
    const { statement } = servedWith(requestWith());
    const lines = render(statementLines('approve', statement, state, NOW), false).split('\n');
    expect(lines.filter((line) => line.length > 100)).toEqual([]);
  });
});
