import { describe, expect, it } from '@jest/globals';
import { render } from './lines.js';
import { isWell, type Status, statusLines } from './status.command.js';

const well: Status = {
  version: '0.1.0',
  deploymentId: 'ab'.repeat(32),
  database: { dialect: 'sqlite', reachable: true },
  governance: {
    known: true,
    sequence: 3,
    frozen: [],
    word: { needed: true, credentialId: 'alice-1', untilMs: 1_800_000_000_000 },
  },
  signer: {
    reachable: true,
    agrees: true,
    version: '0.1.0',
    journalSequence: 7,
    anchoredSequence: 7,
    checkpoint: { size: 41 },
    auditKeyFault: null,
  },
  tokens: [{ name: 'treasury', ready: true, label: 'treasury', serial: '01', model: 'HSM' }],
  nodes: [{ chain: 'eip155:1', node: 'one', healthy: true, height: 9, detail: null }],
};

describe('status', () => {
  it('is well when everything is', () => {
    expect(isWell(well)).toBe(true);
    expect(render(statusLines(well), false)).not.toContain('NOT WELL');
  });

  const ills: readonly (readonly [string, Partial<Status>, string])[] = [
    [
      'the signer is away',
      { signer: { ...well.signer, reachable: false, fault: 'signer-unreachable' } },
      'signer-unreachable',
    ],
    ['the signer has another log', { signer: { ...well.signer, agrees: false } }, 'another governance log'],
    [
      'the key of the audit log is gone',
      { signer: { ...well.signer, auditKeyFault: 'key-missing' } },
      'key-missing  its key signs no checkpoints; the last one has 41 entries',
    ],
    [
      'the database is away',
      { database: { dialect: 'sqlite', reachable: false, fault: 'database-unusable' } },
      'database-unusable',
    ],
    [
      'governance is unknown',
      {
        governance: { known: false, sequence: null, frozen: [], word: null, fault: 'governance-unavailable' },
      },
      'governance-unavailable',
    ],
    [
      'a token is away',
      { tokens: well.tokens.map((one) => ({ ...one, ready: false, fault: 'token-gone' })) },
      'token-gone',
    ],
    [
      'a node is behind',
      { nodes: well.nodes.map((one) => ({ ...one, healthy: false, detail: 'stale' })) },
      'stale',
    ],
  ];
  it.each(ills)('is not well when %s, and says so', (_what, ill, words) => {
    const seen = { ...well, ...ill };
    expect(isWell(seen)).toBe(false);
    const text = render(statusLines(seen), false);
    expect(text).toContain('NOT WELL');
    expect(text).toContain(words);
  });

  it('is not well while something is frozen, and says what, since when and why', () => {
    const frozen = [
      { scope: { kind: 'wallet' as const, walletId: 'hot-btc' }, why: 'drill', sequence: 3 },
      { scope: { kind: 'everything' as const }, why: 'theft', sequence: 4 },
    ];
    const seen = { ...well, governance: { ...well.governance, frozen } };
    expect(isWell(seen)).toBe(false);
    const text = render(statusLines(seen), false);
    expect(text).toContain('FROZEN  the wallet hot-btc, by entry 3: drill');
    expect(text).toContain('FROZEN  ALL WALLETS, by entry 4: theft');
  });

  it('says until when what nobody approves is signed, and is not well where it is not and a rule would let it pass', () => {
    expect(render(statusLines(well), false)).toContain(
      'what nobody approves is signed until 2027-01-15 08:00:00 UTC, by the word of alice-1',
    );
    const without = (needed: boolean) => ({
      ...well,
      governance: { ...well.governance, word: { needed, credentialId: null, untilMs: null } },
    });
    expect(isWell(without(true))).toBe(false);
    expect(render(statusLines(without(true)), false)).toContain(
      'NO WORD  what nobody approves waits until a governor vouches: portcullis governance vouch',
    );
    expect(isWell(without(false))).toBe(true);
    expect(render(statusLines(without(false)), false)).not.toContain('vouches');
  });
});
