import { describe, expect, it } from '@jest/globals';
import { secp256k1 } from '@noble/curves/secp256k1.js';
import { bytesToHex } from '@noble/hashes/utils.js';
import type { Tier } from '../governance/entry.js';
import { BITCOIN, ETHEREUM, start } from '../governance/people.fixture.js';
import type { GovernanceState } from '../governance/state.js';
import { p2wpkhAddress } from '../intents/bitcoin/address.js';
import { addressOfPublicKey } from '../intents/ethereum/address.js';
import type { Movement } from './decode-order.js';
import { checkRetired } from './retired.js';

function walletOf(walletId: string, chain: string, secrets: readonly number[], tier: Tier = 'hot') {
  const keys = secrets.map((secret) => ({
    label: `${walletId}-${secret}`,
    publicKey: bytesToHex(secp256k1.getPublicKey(new Uint8Array(32).fill(secret))),
  }));
  return { walletId, chain, tier, token: 'treasury', keys };
}

const WALLETS = [
  walletOf('first', BITCOIN, [1]),
  walletOf('second', BITCOIN, [2]),
  walletOf('third', BITCOIN, [3, 4]),
  walletOf('other', BITCOIN, [5]),
  walletOf('ether', ETHEREUM, [6]),
  walletOf('ether-next', ETHEREUM, [7]),
];

function stateWith(...retired: readonly (readonly [string, string])[]): GovernanceState {
  return {
    ...start,
    wallets: new Map(WALLETS.map((wallet) => [wallet.walletId, wallet])),
    retired: new Map(
      retired.map(([walletId, successor], at) => [walletId, { walletId, successor, sequence: at + 1 }]),
    ),
  };
}

const state = stateWith(['first', 'second'], ['second', 'third'], ['ether', 'ether-next']);

function addressOf(walletId: string, at = 0): string {
  const wallet = WALLETS.find((one) => one.walletId === walletId);
  const publicKey = wallet?.keys[at]?.publicKey ?? '';
  return wallet?.chain === ETHEREUM ? addressOfPublicKey(publicKey) : p2wpkhAddress(publicKey, 'regtest');
}

const STRANGER = {
  [BITCOIN]: 'bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080',
  [ETHEREUM]: `0x${'ab'.repeat(20)}`,
};

function paying(chain: string, ...destinations: readonly string[]): Movement[] {
  return destinations.map(
    (destination, at) =>
      ({
        request: { transferId: `t${at}`, chain: start.chains.get(chain) },
        destination,
        contract: 'native',
        amount: 1n,
      }) as unknown as Movement,
  );
}

function codeFor(walletId: string, movements: readonly Movement[], given = state): string {
  const outcome = checkRetired(given, walletId, movements);
  return outcome.kind === 'refused' ? outcome.code : outcome.kind;
}

describe('a retired wallet', () => {
  it('pays nobody but the wallet that follows it (payer-retired)', () => {
    expect(codeFor('first', paying(BITCOIN, addressOf('third')))).toBe('accepted');
    expect(codeFor('first', paying(BITCOIN, addressOf('third', 1)))).toBe('accepted');
    for (const destination of [STRANGER[BITCOIN], addressOf('other'), addressOf('first')]) {
      expect(codeFor('first', paying(BITCOIN, destination ?? ''))).toBe('payer-retired');
    }
    expect(codeFor('ether', paying(ETHEREUM, addressOf('ether-next')))).toBe('accepted');
    expect(codeFor('ether', paying(ETHEREUM, addressOf('ether-next').toLowerCase()))).toBe('accepted');
    expect(codeFor('ether', paying(ETHEREUM, STRANGER[ETHEREUM] ?? ''))).toBe('payer-retired');
  });

  it('pays the last of those that follow each other, and none between', () => {
    expect(codeFor('first', paying(BITCOIN, addressOf('second')))).toBe('payer-retired');
    expect(checkRetired(state, 'first', paying(BITCOIN, addressOf('second')))).toMatchObject({
      facts: { wallet: 'first', successor: 'third', transferId: 't0' },
    });
  });

  it('pays nobody beside the wallet that follows it, in one transaction', () => {
    const batch = paying(BITCOIN, addressOf('third'), STRANGER[BITCOIN] ?? '');
    expect(checkRetired(state, 'second', batch)).toMatchObject({
      code: 'payer-retired',
      facts: { transferId: 't1' },
    });
  });

  it('is paid by nobody (destination-retired)', () => {
    for (const walletId of ['other', 'third']) {
      for (const retired of ['first', 'second']) {
        const batch = paying(BITCOIN, STRANGER[BITCOIN] ?? '', addressOf(retired));
        expect(checkRetired(state, walletId, batch)).toMatchObject({
          code: 'destination-retired',
          facts: { transferId: 't1', wallet: retired, successor: 'third' },
        });
      }
    }
    expect(codeFor('ether-next', paying(ETHEREUM, addressOf('ether').toLowerCase()))).toBe(
      'destination-retired',
    );
  });

  it('is nothing to wallets that go on, and to addresses of another chain that look the same', () => {
    expect(codeFor('other', paying(BITCOIN, STRANGER[BITCOIN] ?? '', addressOf('third')))).toBe('accepted');
    expect(codeFor('first', paying(BITCOIN, STRANGER[BITCOIN] ?? ''), stateWith())).toBe('accepted');
    expect(codeFor('ether-next', paying(ETHEREUM, addressOf('ether')), stateWith(['first', 'third']))).toBe(
      'accepted',
    );
  });
});
