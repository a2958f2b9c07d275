import { describe, expect, it } from '@jest/globals';
import type { CertifiedOutcome } from './certificate.js';
import { checkChain } from './chain.js';
import { chainWords } from './report.js';
import type { Verified } from './verify.js';

const SIGNED: CertifiedOutcome = {
  kind: 'signed',
  signedTransaction: '02',
  transactionId: 'aa',
  tokenSerial: '1',
};
const hashOf = (ordinal: number) => ordinal.toString(16).padStart(64, '0');

interface Told {
  readonly ordinal: number;
  readonly previous?: string;
  readonly hash?: string;
  readonly sequence?: number;
  readonly outcome?: CertifiedOutcome;
  /** When the signer attested it; null: not yet. */
  readonly at?: number | null;
  readonly newest?: number;
  readonly keptFrom?: number;
  /** The entry of governance under which it was reserved, and the one that brought the key which vouches for it. */
  readonly governance?: number;
  readonly since?: number;
}

/** What the chain looks at of a certificate that has been verified by itself. */
function one({ ordinal, at = 1_000, newest = 9, keptFrom = 1, ...told }: Told): Verified {
  return {
    certificate: {
      journalSequence: told.sequence ?? ordinal * 2,
      journalHash: told.hash ?? hashOf(ordinal),
      reservation: {
        ordinal,
        previous: told.previous ?? hashOf(ordinal - 1),
        governanceSequence: told.governance ?? 0,
      },
      outcome: told.outcome ?? SIGNED,
    },
    vouching: { sequence: told.since ?? 0 },
    attested: at === null ? undefined : { newestOrdinal: newest, keptFrom, attestedAtMs: at },
  } as unknown as Verified;
}

function found(verified: readonly Verified[], whole = false) {
  const chain = checkChain(verified, whole);
  return chain.kind === 'refused' ? chain.code : chain.value;
}

describe('a chain of certificates', () => {
  it('is the same in whatever order they come, and however often', () => {
    const certificates = [3, 1, 2, 2, 3].map((ordinal) => one({ ordinal }));
    expect(found(certificates)).toEqual({
      here: { from: 1, to: 3 },
      missing: [],
      outdated: [],
      begun: [],
      newest: { ordinal: 9, atMs: 1_000 },
      keptFrom: 1,
    });
  });

  it('of nothing is nothing', () => {
    expect(found([], true)).toMatchObject({ here: undefined, missing: [], newest: undefined });
  });

  it('has gaps between what is there, and before and behind it where it is said to be whole', () => {
    const certificates = [2, 3, 6].map((ordinal) => one({ ordinal }));
    expect(found(certificates)).toMatchObject({ missing: [{ from: 4, to: 5 }] });
    expect(found(certificates, true)).toMatchObject({
      missing: [
        { from: 1, to: 1 },
        { from: 4, to: 5 },
        { from: 7, to: 9 },
      ],
    });
  });

  it("counts up to what the signer's latest word says, whichever certificate that is with", () => {
    const certificates = [one({ ordinal: 1, newest: 3, at: 3_000 }), one({ ordinal: 2, newest: 2 })];
    expect(found(certificates, true)).toMatchObject({
      newest: { ordinal: 3, atMs: 3_000 },
      missing: [{ from: 3, to: 3 }],
    });
  });

  it.each<[string, string, Told, Told]>([
    [
      'certificate-chain-forked',
      'two reservations have one ordinal',
      { ordinal: 4 },
      { ordinal: 4, hash: hashOf(99) },
    ],
    [
      'certificate-chain-broken',
      'one names another before it',
      { ordinal: 4 },
      { ordinal: 5, previous: hashOf(3) },
    ],
    [
      'certificate-chain-broken',
      'a later one stands before it in the journal',
      { ordinal: 4 },
      { ordinal: 6, sequence: 7 },
    ],
    [
      'certificate-chain-broken',
      'both stand at one place of the journal',
      { ordinal: 4 },
      { ordinal: 6, sequence: 8 },
    ],
    [
      'certificate-chain-broken',
      'a later one was decided under an earlier state of governance',
      { ordinal: 4, governance: 3 },
      { ordinal: 5, governance: 2 },
    ],
    [
      'certificate-chain-contradiction',
      'a key that was replaced knows of what came after it',
      { ordinal: 4, newest: 5 },
      { ordinal: 5, governance: 3, since: 3 },
    ],
    [
      'certificate-chain-contradiction',
      'a key that was replaced knows of what came long after it, and nobody attests that',
      { ordinal: 4, newest: 7 },
      { ordinal: 7, governance: 4, since: 3, at: null },
    ],
    [
      'certificate-chain-contradiction',
      'what was never to be signed is signed',
      { ordinal: 4, outcome: { kind: 'ended' } },
      { ordinal: 4, at: 2_000 },
    ],
    [
      'certificate-chain-contradiction',
      'what was never to be signed is signed, which nobody attests',
      { ordinal: 4, outcome: { kind: 'ended' } },
      { ordinal: 4, at: null },
    ],
    [
      'certificate-chain-contradiction',
      'what was signed was not signed later',
      { ordinal: 4 },
      { ordinal: 4, outcome: { kind: 'begun' }, at: 2_000 },
    ],
    [
      'certificate-chain-contradiction',
      'two signatures were given for one reservation',
      { ordinal: 4 },
      { ordinal: 4, outcome: { ...SIGNED, signedTransaction: '03' } },
    ],
  ])('is refused with %s when %s', (code, _title, before, after) => {
    expect(found([one(before), one(after)])).toBe(code);
    expect(found([one(after), one(before)])).toBe(code);
  });

  it('goes on with another key, each of which knows of its own', () => {
    const before = [3, 4].map((ordinal) => one({ ordinal, newest: 4 }));
    const after = [5, 6].map((ordinal) => one({ ordinal, newest: 6, governance: 3, since: 3 }));
    expect(found([...before, ...after])).toMatchObject({ missing: [], newest: { ordinal: 6, atMs: 1_000 } });
  });

  it.each([
    ['after it', [1, null]],
    ['before it', [null, 1]],
  ])('hides no gap behind a copy without attestation that comes %s', (_title, ats) => {
    const copies = ats.map((at) => one({ ordinal: 1, newest: 3, at }));
    expect(found(copies, true)).toMatchObject({ newest: { ordinal: 3 }, missing: [{ from: 2, to: 3 }] });
  });

  it.each<[string, Told]>([
    ['signed later', { ordinal: 4, at: 2_000 }],
    ['signed at the same time', { ordinal: 4 }],
    ['signed, which is not attested yet', { ordinal: 4, at: null }],
    ['void later', { ordinal: 4, at: 2_000, outcome: { kind: 'ended' } }],
  ])('may have what was begun, and was %s', (_title, later) => {
    const begun: Told = { ordinal: 4, outcome: { kind: 'begun' } };
    expect(found([one(begun), one(later)])).toMatchObject({ missing: [] });
    expect(found([one(later), one(begun)])).toMatchObject({ missing: [] });
  });

  describe('with what was begun', () => {
    const begun = (told: Told) => one({ newest: 3, ...told, outcome: { kind: 'begun' } });
    const signed = (told: Told) => one({ newest: 3, ...told });
    const outdated = (...verified: readonly Verified[]) => {
      const chain = checkChain(verified, true);
      return chain.kind === 'refused' ? chain.code : chain.value.outdated.map(({ ordinal }) => ordinal);
    };
    const later = { at: 2_000 };

    it('may hide a signature behind what was said before it', () => {
      const chain = checkChain(
        [
          signed({ ordinal: 1, ...later }),
          begun({ ordinal: 2, newest: 2 }),
          signed({ ordinal: 3, ...later }),
        ],
        true,
      );
      if (chain.kind === 'refused') throw new Error(chain.code);
      expect(chain.value).toMatchObject({
        missing: [],
        outdated: [{ ordinal: 2, begunAtMs: 1_000, newestAtMs: 2_000 }],
      });
      for (const whole of [true, false]) {
        const { proved, missing } = chainWords(chain.value, whole);
        expect(proved.join()).not.toContain('hidden');
        expect(missing.join()).toContain('reservation 2, since 1970-01-01T00:00:01.000Z: it was begun then');
      }
    });

    it('hides nothing that was attested together, and it is said that it was not signed', () => {
      const chain = checkChain([signed({ ordinal: 1 }), begun({ ordinal: 2 }), signed({ ordinal: 3 })], true);
      if (chain.kind === 'refused') throw new Error(chain.code);
      const { proved, trusted, missing } = chainWords(chain.value, true);
      expect(proved.join()).toContain('no signature is hidden');
      expect(trusted).toContain('that reservation 2, which was begun, was not signed since either');
      expect(missing).toEqual([]);
    });

    it('hides nothing when it was asked for again, one after another', () => {
      const first = signed({ ordinal: 1 });
      expect(outdated(first, begun({ ordinal: 2, at: 1_001 }), begun({ ordinal: 3, at: 1_002 }))).toEqual([]);
      const again = begun({ ordinal: 2, ...later });
      expect(outdated(first, begun({ ordinal: 2 }), again, signed({ ordinal: 3, ...later }))).toEqual([]);
    });

    it('hides one behind another that was begun later', () => {
      const older = { newest: 2 };
      expect(
        outdated(
          signed({ ordinal: 1, ...older }),
          begun({ ordinal: 2, ...older }),
          begun({ ordinal: 3, ...later }),
        ),
      ).toEqual([2]);
    });

    it('hides one behind the newer word of a certificate that is here in an older form too', () => {
      const newer = signed({ ordinal: 1, ...later });
      expect(outdated(signed({ ordinal: 1 }), newer, begun({ ordinal: 2 }), signed({ ordinal: 3 }))).toEqual([
        2,
      ]);
    });

    it('is what came of it, when both were said at the same time', () => {
      const both = [begun({ ordinal: 2 }), signed({ ordinal: 2 })];
      for (const told of [both, both.toReversed()]) {
        expect(found([signed({ ordinal: 1 }), ...told, signed({ ordinal: 3 })], true)).toMatchObject({
          begun: [],
          outdated: [],
        });
      }
    });
  });

  it('is told in words: what is missing, and what of it the signer says it has lost', () => {
    const chain = checkChain([one({ ordinal: 3, keptFrom: 3, newest: 4 })], true);
    if (chain.kind === 'refused') throw new Error(chain.code);
    expect(chainWords(chain.value, true)).toEqual({
      proved: [],
      trusted: ['that the signer reserved nothing after 4 since 1970-01-01T00:00:01.000Z'],
      missing: [
        'reservations 1 to 2: something may have been signed there, lost with a store of the signer, as it says',
        'reservation 4: something may have been signed there',
      ],
    });
    expect(chainWords(chain.value, false)).toEqual({ proved: [], trusted: [], missing: [] });
  });

  it('is told to be all that there is only where it is', () => {
    const words = (ordinals: readonly number[], whole: boolean) => {
      const chain = checkChain(
        ordinals.map((ordinal) => one({ ordinal, newest: 2 })),
        whole,
      );
      return chain.kind === 'refused' ? chain.code : chainWords(chain.value, whole).proved.join();
    };
    expect(words([1, 2], true)).toContain('no signature is hidden');
    expect(words([1, 2], false)).toBe('reservations 1 to 2 follow each other without a gap');
    expect(words([2], true)).toBe('');
  });
});
