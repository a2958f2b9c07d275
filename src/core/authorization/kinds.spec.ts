import { describe, expect, it } from '@jest/globals';
import { secp256k1 } from '@noble/curves/secp256k1.js';
import { bytesToHex } from '@noble/hashes/utils.js';
import { type Tier, tier as tiers } from '../governance/entry.js';
import { BITCOIN, ETHEREUM, start } from '../governance/people.fixture.js';
import { p2wpkhAddress } from '../intents/bitcoin/address.js';
import { addressOfPublicKey } from '../intents/ethereum/address.js';
import { type TransferKind, transferKind } from '../statements/fields.js';
import { checkKinds } from './kinds.js';

const TIERS = tiers.options;
const STRANGER: Readonly<Record<string, string>> = {
  [BITCOIN]: 'bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080',
  [ETHEREUM]: `0x${'ab'.repeat(20)}`,
};

function walletOf(chain: string, tier: Tier, secret: number) {
  const publicKey = bytesToHex(secp256k1.getPublicKey(new Uint8Array(32).fill(secret)));
  const walletId = `${tier}-${chain.slice(0, 3)}`;
  return { walletId, chain, tier, token: 'treasury', keys: [{ label: walletId, publicKey }] };
}

const WALLETS = [BITCOIN, ETHEREUM].flatMap((chain, at) =>
  TIERS.map((tier, index) => walletOf(chain, tier, 1 + index + 10 * at)),
);
const state = { ...start, wallets: new Map(WALLETS.map((wallet) => [wallet.walletId, wallet])) };

function walletAt(chain: string, tier: Tier) {
  const found = WALLETS.find((wallet) => wallet.chain === chain && wallet.tier === tier);
  if (!found) throw new Error(`no wallet of ${tier}`);
  return found;
}

function addressAt(chain: string, tier: Tier): string {
  const publicKey = walletAt(chain, tier).keys[0]?.publicKey ?? '';
  return chain === BITCOIN ? p2wpkhAddress(publicKey, 'regtest') : addressOfPublicKey(publicKey);
}

function moved(kind: TransferKind, chain: string, from: Tier, destination: string) {
  return {
    destination,
    request: {
      transferId: `${kind}-1`,
      wallet: walletAt(chain, from),
      chain: { chain },
      statement: { kind },
    },
  };
}

function destinationAt(chain: string, to: Tier | 'outside'): string {
  return to === 'outside' ? (STRANGER[chain] ?? '') : addressAt(chain, to);
}

/** Every pair of a payer's tier and a destination that this kind may have. */
function bornOut(kind: TransferKind, chain: string): string[] {
  return TIERS.flatMap((from) =>
    [...TIERS, 'outside' as const]
      .filter(
        (to) => checkKinds(state, [moved(kind, chain, from, destinationAt(chain, to))]).kind === 'accepted',
      )
      .map((to) => `${from} to ${to}`),
  ).toSorted();
}

describe.each([BITCOIN, ETHEREUM])('the kind of a transfer on %s', (chain) => {
  it.each<[TransferKind, readonly string[]]>([
    [
      'sweep',
      ['deposit to hot', 'deposit to warm', 'deposit to cold', 'hot to warm', 'hot to cold', 'warm to cold'],
    ],
    ['refill', ['cold to hot', 'cold to warm', 'warm to hot']],
    ['safu-contribution', ['deposit to safu', 'hot to safu', 'warm to safu', 'cold to safu']],
    ['safu-payout', [...TIERS, 'outside'].map((to) => `safu to ${to}`)],
    [
      'withdrawal',
      TIERS.filter((from) => from !== 'safu').flatMap((from) =>
        [...TIERS, 'outside'].map((to) => `${from} to ${to}`),
      ),
    ],
  ])('%s is born out by these wallets and no others', (kind, expected) => {
    expect(bornOut(kind, chain)).toEqual(expected.toSorted());
  });

  it('is refused where the decoded destination is nobody of the house, and says what it would be (kind-contradicted)', () => {
    expect(checkKinds(state, [moved('sweep', chain, 'hot', STRANGER[chain] ?? '')])).toEqual({
      kind: 'refused',
      code: 'kind-contradicted',
      facts: { transferId: 'sweep-1', kind: 'sweep', from: 'hot', to: 'outside' },
    });
  });

  it('is asked of each payment of a transaction', () => {
    const good = moved('sweep', chain, 'hot', addressAt(chain, 'cold'));
    const bad = moved('sweep', chain, 'hot', addressAt(chain, 'hot'));
    expect(checkKinds(state, [good, good]).kind).toBe('accepted');
    expect(checkKinds(state, [good, bad])).toMatchObject({ code: 'kind-contradicted' });
  });

  it('knows own wallets of this chain alone', () => {
    const other = chain === BITCOIN ? ETHEREUM : BITCOIN;
    expect(checkKinds(state, [moved('sweep', chain, 'hot', addressAt(other, 'cold'))])).toMatchObject({
      code: 'kind-contradicted',
    });
  });
});

describe('every kind', () => {
  it('may be paid by somebody, and refused to somebody', () => {
    for (const kind of transferKind.options) {
      const pairs = bornOut(kind, BITCOIN).length;
      expect(pairs).toBeGreaterThan(0);
      expect(pairs).toBeLessThan(TIERS.length * (TIERS.length + 1));
    }
  });
});
