import { sign } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { MAX_CLOCK_SKEW_MS } from '../authorization/requests.js';
import { entryHash, type GovernanceEntry } from '../governance/entry.js';
import {
  ADD_DAVE,
  alice,
  BITCOIN,
  bob,
  bodyAfter,
  carol,
  ETHEREUM,
  GENESIS,
  genesisOf,
  type Key,
  REMOVE_CAROL,
  signed,
  stateOf,
} from '../governance/people.fixture.js';
import { replayGenesis, replayLog } from '../governance/replay.js';
import { addressOfPublicKey } from '../intents/ethereum/address.js';
import { PUBLIC_KEY } from '../intents/ethereum/transaction.fixture.js';
import { portableVerifier } from '../statements/signature.js';
import {
  checkLogReaches,
  MAX_REFRESHED_NONCES,
  MAX_RESTORE_LIFETIME_MS,
  RESTORE_TYPE,
  type RestoredWallet,
  type RestoreStatement,
  refreshable,
  restoreBytes,
  restore as schema,
  verifyRestore,
} from './restore.js';

const NOW_MS = 1_760_000_000_000;
/** The generator of secp256k1. */
const SECOND_KEY = '0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798';
const hot = { chain: BITCOIN, tier: 'hot', token: 'treasury' } as const;
const genesis = genesisOf({
  wallets: [
    ...GENESIS.wallets,
    { ...hot, walletId: 'hot-btc-2', keys: [{ label: 'hot-btc-2', publicKey: SECOND_KEY }] },
    {
      walletId: 'hot-eth',
      chain: ETHEREUM,
      tier: 'hot',
      token: 'treasury',
      keys: [{ label: 'hot-eth-0', publicKey: PUBLIC_KEY }],
    },
  ],
});
const state = stateOf(replayGenesis(genesis, portableVerifier));
const block = { height: 100, hash: 'cc'.repeat(32) };

const bitcoin: Extract<RestoredWallet, { family: 'bitcoin' }> = {
  family: 'bitcoin',
  walletId: 'hot-btc',
  chain: BITCOIN,
  block,
  unspent: [`${'aa'.repeat(32)}:0`],
  refreshFeeCeiling: '1000',
};
const second: RestoredWallet = { ...bitcoin, walletId: 'hot-btc-2', unspent: [`${'aa'.repeat(32)}:1`] };
const ethereum: Extract<RestoredWallet, { family: 'ethereum' }> = {
  family: 'ethereum',
  walletId: 'hot-eth',
  chain: ETHEREUM,
  address: addressOfPublicKey(PUBLIC_KEY),
  block,
  minedNonces: 7,
  nextNonce: 9,
  refreshFeeCeiling: '1000',
};

function statement(altered: Partial<RestoreStatement> = {}): RestoreStatement {
  return {
    type: RESTORE_TYPE,
    deploymentId: state.deploymentId,
    governanceSequence: 0,
    governanceHead: state.head,
    lost: { sequence: 41, hash: 'dd'.repeat(32) },
    wallets: [bitcoin, second, ethereum],
    createdAtMs: NOW_MS - 1_000,
    expiresAtMs: NOW_MS + 1_000,
    ...altered,
  };
}

interface Asked {
  readonly by?: readonly Key[];
  readonly log?: readonly GovernanceEntry[];
  readonly nowMs?: number | undefined;
}

function answerTo(of: RestoreStatement, asked: Asked = {}): string {
  const signatures = (asked.by ?? [alice, bob]).map(({ credentialId, secret }) => ({
    credentialId,
    signature: sign('sha256', restoreBytes(of), { key: secret, dsaEncoding: 'ieee-p1363' }).toString('hex'),
  }));
  const restore = schema.parse({ statement: of, signatures });
  const nowMs = 'nowMs' in asked ? asked.nowMs : NOW_MS;
  const outcome = verifyRestore(restore, asked.log ?? [genesis], state.deploymentId, portableVerifier, nowMs);
  return outcome.kind === 'refused' ? outcome.code : 'accepted';
}

describe('a restore', () => {
  it("is the quorum's word about all wallets", () => {
    expect(answerTo(statement())).toBe('accepted');
  });

  it.each<[string, string, Partial<RestoreStatement>]>([
    ['restore-other-deployment', 'it is for another deployment', { deploymentId: 'ab'.repeat(32) }],
    ['restore-governance-mismatch', 'the log has another head', { governanceHead: 'ab'.repeat(32) }],
    ['restore-governance-mismatch', 'the log is shorter', { governanceSequence: 1 }],
    ['restore-expired', 'its time is over', { expiresAtMs: NOW_MS }],
    ['restore-expired', 'it ends before it begins', { createdAtMs: NOW_MS + 2_000 }],
    ['restore-expired', 'it lives too long', { createdAtMs: NOW_MS + 1_000 - MAX_RESTORE_LIFETIME_MS - 1 }],
    [
      'restore-expired',
      'it was made too far ahead',
      { createdAtMs: NOW_MS + MAX_CLOCK_SKEW_MS + 1, expiresAtMs: NOW_MS + MAX_CLOCK_SKEW_MS + 2 },
    ],
    ['restore-wallets-incomplete', 'a wallet is left out', { wallets: [bitcoin, second] }],
    ['restore-wallets-incomplete', 'a wallet is there twice', { wallets: [bitcoin, second, bitcoin] }],
    [
      'restore-wallets-incomplete',
      'a wallet is one that nobody knows',
      { wallets: [bitcoin, second, { ...ethereum, walletId: 'cold-eth' }] },
    ],
    [
      'restore-wallets-incomplete',
      'a wallet is on another chain',
      { wallets: [bitcoin, second, { ...ethereum, chain: 'eip155:1' }] },
    ],
    [
      'restore-wallets-incomplete',
      'a wallet has another address',
      { wallets: [bitcoin, second, { ...ethereum, address: '0x70997970C51812dc3A010C7d01b50e0d17dc79C8' }] },
    ],
    [
      'restore-coins-repeated',
      'a coin is there twice',
      { wallets: [{ ...bitcoin, unspent: [...bitcoin.unspent, ...bitcoin.unspent] }, second, ethereum] },
    ],
    [
      'restore-coins-repeated',
      'a coin is there for two wallets',
      { wallets: [bitcoin, { ...second, unspent: bitcoin.unspent }, ethereum] },
    ],
    [
      'restore-nonces-backwards',
      'the next nonce is used on the chain',
      { wallets: [bitcoin, second, { ...ethereum, nextNonce: 6 }] },
    ],
    [
      'restore-nonces-backwards',
      'more nonces are to be used up than a restore may have',
      { wallets: [bitcoin, second, { ...ethereum, nextNonce: 7 + MAX_REFRESHED_NONCES + 1 }] },
    ],
  ])('is refused with %s when %s', (code, _, altered) => {
    expect(answerTo(statement(altered))).toBe(code);
  });

  it('is refused with restore-other-deployment over a log of another genesis, or none', () => {
    expect(answerTo(statement(), { log: [genesisOf()] })).toBe('restore-other-deployment');
    expect(answerTo(statement(), { log: [] })).toBe('restore-other-deployment');
  });

  it('is refused as the log is, when that does not replay', () => {
    expect(answerTo(statement(), { log: [genesis, genesis] })).toBe('governance-other-deployment');
  });

  it('is refused with governance-quorum-missing when one officer signed it', () => {
    expect(answerTo(statement(), { by: [alice] })).toBe('governance-quorum-missing');
  });

  it('has no end any more once it was accepted', () => {
    expect(answerTo(statement({ expiresAtMs: NOW_MS }), { nowMs: undefined })).toBe('accepted');
  });

  it('is taken over a log only that holds the entry which the lost store had (restore-governance-behind)', () => {
    const removed = signed(bodyAfter(state, REMOVE_CAROL), alice, bob);
    const forked = signed(bodyAfter(state, ADD_DAVE), bob, carol);
    const stateAfter = (log: readonly GovernanceEntry[]) => stateOf(replayLog(log, portableVerifier));
    const longer = signed(bodyAfter(stateAfter([genesis, removed]), ADD_DAVE), alice, bob);
    const further = signed(bodyAfter(stateAfter([genesis, forked]), REMOVE_CAROL), bob, carol);
    const known = { sequence: 1, hash: entryHash(removed.body) };
    const code = (...log: readonly GovernanceEntry[]) => {
      const outcome = checkLogReaches(log, known);
      return outcome.kind === 'refused' ? outcome.code : 'accepted';
    };
    expect(code(genesis, removed)).toBe('accepted');
    expect(code(genesis, removed, longer)).toBe('accepted');
    expect(code()).toBe('restore-governance-behind');
    expect(code(genesis)).toBe('restore-governance-behind');
    expect(code(genesis, forked)).toBe('restore-governance-behind');
    expect(code(genesis, forked, further)).toBe('restore-governance-behind');
    expect(code(genesis, forked, removed)).toBe('restore-governance-behind');
  });

  it('leaves to be used up the coins that are there, and the nonces that may have been signed', () => {
    expect(refreshable(bitcoin)).toEqual([`${BITCOIN}/${'aa'.repeat(32)}:0`]);
    const address = ethereum.address.toLowerCase();
    expect(refreshable(ethereum)).toEqual([7, 8].map((nonce) => `${ETHEREUM}/${address}/${nonce}`));
  });
});
