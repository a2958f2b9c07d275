// Keys that take the place of others: the signer's attestation key, and those of wallets, by a wallet that follows another.

import { sign } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { bytesToHex } from '@noble/hashes/utils.js';
import { attestationKeyBytes, vouchingAt } from './attestation-key.js';
import type { AttestationKey, Change } from './entry.js';
import {
  alice,
  appended,
  bob,
  codeOf,
  ETHEREUM,
  type Key,
  newKey,
  personOf,
  start,
  stateOf,
  vouching,
  whyOf,
} from './people.fixture.js';
import { type GovernanceState, successorOf } from './state.js';
import { gina, hugo, slowWithTiers, tierWallet } from './tiers.fixture.js';
import { wordsOfChange } from './words.js';

const invalid = 'governance-change-invalid';

const said = (before: GovernanceState, after: GovernanceState) =>
  wordsOfChange(before, after).map(({ says }) => says);

function attestationOf(key: Key): AttestationKey {
  return { token: 'treasury', label: key.credentialId, algorithm: 'p256', publicKey: key.publicKey };
}

function proofOf(key: Key, deploymentId = start.deploymentId, publicKey = key.publicKey): string {
  const bytes = attestationKeyBytes(deploymentId, publicKey);
  return bytesToHex(sign('sha256', bytes, { key: key.secret, dsaEncoding: 'ieee-p1363' }));
}

function attestationSet(key: Key, proof = proofOf(key)): Change {
  return { kind: 'attestation-key-set', attestation: attestationOf(key), proof };
}

const second = newKey('attestation-2');
const third = newKey('attestation-3');

describe('the key that the signer vouches with', () => {
  const NOT_PROVED = [
    invalid,
    'the attestation key has not signed that it is one of this deployment',
    'attestation-key-set',
  ];

  it('is another one from the entry on that names it, and before it the one of then', () => {
    const one = stateOf(appended(start, attestationSet(second)));
    const two = stateOf(appended(one, attestationSet(third)));
    expect(two.attestation).toEqual(attestationOf(third));
    const labels = [0, 1, 2, 7].map((sequence) => vouchingAt(two, sequence).key.label);
    expect(labels).toEqual(['attestation', 'attestation-2', 'attestation-3', 'attestation-3']);
    expect(vouchingAt(two, 1).sequence).toBe(1);
  });

  it.each<[string, () => string]>([
    ['of nobody', () => '00'.repeat(64)],
    ['of another key', () => proofOf(third, start.deploymentId, second.publicKey)],
    ['of this key about another', () => proofOf(second, start.deploymentId, third.publicKey)],
    ['for another deployment', () => proofOf(second, 'ab'.repeat(32))],
  ])('is not replaced with a proof %s', (_title, proof) => {
    expect(whyOf(appended(start, attestationSet(second, proof())))).toEqual(NOT_PROVED);
  });

  it('is never one that was registered before, as what ever', () => {
    expect(codeOf(appended(start, attestationSet(vouching)))).toBe(invalid);
    expect(codeOf(appended(start, attestationSet(alice)))).toBe(invalid);
    const one = stateOf(appended(start, attestationSet(second)));
    const two = stateOf(appended(one, attestationSet(third)));
    expect(codeOf(appended(two, attestationSet(second)))).toBe(invalid);
    expect(
      codeOf(appended(two, { kind: 'person-added', person: personOf('erin', second), groups: [] })),
    ).toBe(invalid);
  });

  it('is replaced by a quorum, after the wait of what loosens', () => {
    expect(codeOf(appended(start, attestationSet(second), alice))).toBe('governance-quorum-missing');
    const waits = stateOf(
      appended(slow, attestationSet(second, proofOf(second, slow.deploymentId)), alice, bob),
    );
    expect(waits.pending.size).toBe(1);
    expect(waits.attestation).toEqual(slow.attestation);
  });

  it('is told in words', () => {
    const one = stateOf(appended(start, attestationSet(second)));
    expect(said(start, one)).toEqual([
      'the signer vouches for what it wrote down from then on with the key attestation-2 in token "treasury", and no longer with attestation',
    ]);
  });
});

const slow = slowWithTiers([
  tierWallet('hot-2', 'hot', 2),
  tierWallet('hot-3', 'hot', 3),
  tierWallet('warm-1', 'warm', 4),
  tierWallet('hot-eth', 'hot', 5, ETHEREUM),
  tierWallet('safu-1', 'safu', 6),
  tierWallet('safu-2', 'safu', 7),
]);
const retiring = (walletId: string, successor: string): Change => ({
  kind: 'wallet-retired',
  walletId,
  successor,
});

describe('a wallet that is retired', () => {
  const once = stateOf(appended(slow, retiring('hot-btc', 'hot-2')));

  it('is so at once and for good, by the quorum', () => {
    expect(codeOf(appended(slow, retiring('hot-btc', 'hot-2'), alice))).toBe('governance-quorum-missing');
    expect(once.retired.get('hot-btc')).toEqual({ walletId: 'hot-btc', successor: 'hot-2', sequence: 1 });
    expect(once.pending.size).toBe(0);
    expect(once.wallets.has('hot-btc')).toBe(true);
    expect(whyOf(appended(once, retiring('hot-btc', 'hot-3')))).toEqual([
      invalid,
      'this wallet is retired already',
      'wallet-retired',
    ]);
  });

  it('is followed by one that may be retired in turn, and never in a ring', () => {
    const twice = stateOf(appended(once, retiring('hot-2', 'hot-3')));
    expect(['hot-btc', 'hot-2', 'hot-3'].map((id) => successorOf(twice, id))).toEqual([
      'hot-3',
      'hot-3',
      'hot-3',
    ]);
    expect(whyOf(appended(twice, retiring('hot-3', 'hot-btc')))).toEqual([
      invalid,
      'the wallet that is to follow is retired itself',
      'wallet-retired',
    ]);
  });

  it.each([
    ['itself', 'hot-btc', 'hot-btc', 'a wallet does not follow itself'],
    [
      'one of another tier',
      'hot-btc',
      'warm-1',
      'the wallet that is to follow is on another chain or of another tier',
    ],
    [
      'one on another chain',
      'hot-btc',
      'hot-eth',
      'the wallet that is to follow is on another chain or of another tier',
    ],
    ['one that is not there', 'hot-btc', 'hot-9', 'no such wallet'],
    ['anything, where it is not there', 'hot-9', 'hot-btc', 'no such wallet'],
  ])('is not followed by %s', (_title, walletId, successor, why) => {
    expect(whyOf(appended(slow, retiring(walletId, successor)))).toEqual([invalid, why, 'wallet-retired']);
  });

  it("takes SAFU's quorum where it is SAFU's", () => {
    expect(codeOf(appended(slow, retiring('safu-1', 'safu-2')))).toBe('governance-quorum-missing');
    expect(codeOf(appended(slow, retiring('safu-1', 'safu-2'), gina, hugo))).toBe(
      'governance-quorum-missing',
    );
    expect(codeOf(appended(slow, retiring('safu-1', 'safu-2'), alice, bob, gina, hugo))).toBe('accepted');
  });

  it('is told in words', () => {
    expect(said(slow, once)).toEqual([
      'retires the wallet hot-btc for good: it pays nobody any more but the wallet hot-2, and nobody pays it',
    ]);
  });
});
