import { describe, expect, it } from '@jest/globals';
import { getAddress, Interface, Transaction } from 'ethers';
import fc from 'fast-check';
import { decodeEip1559 } from '../../../core/intents/ethereum/decode.js';
import { type EthereumPlan, maxFeeOf, parsePlan, planText, unsignedHex } from './plan.js';

const FROM = '0x7E5F4552091A69125d5DfCb7b8C2659029395Bdf';
const erc20 = new Interface(['function transfer(address to, uint256 amount)']);

const address = fc
  .uint8Array({ minLength: 20, maxLength: 20 })
  .filter((bytes) => bytes.some((byte) => byte !== 0))
  .map((bytes) => getAddress(`0x${Buffer.from(bytes).toString('hex')}`));
const movement = fc.oneof(
  fc.record({
    kind: fc.constant('native' as const),
    to: address,
    amountWei: fc.bigInt({ min: 0n, max: 2n ** 200n }),
  }),
  fc.record({
    kind: fc.constant('erc20' as const),
    contract: address,
    to: address,
    amountUnits: fc.bigInt({ min: 0n, max: 2n ** 256n - 1n }),
  }),
  fc.constant({ kind: 'cancel' as const }),
);
const plan: fc.Arbitrary<EthereumPlan> = fc
  .record({
    nonce: fc.nat(),
    chainId: fc.integer({ min: 1, max: 2 ** 31 }),
    movement,
    gasLimit: fc.bigInt({ min: 21_000n, max: 1_000_000n }),
    tip: fc.bigInt({ min: 0n, max: 10n ** 12n }),
    more: fc.bigInt({ min: 0n, max: 10n ** 15n }),
  })
  .map(({ chainId, tip, more, ...rest }) => ({
    version: 1,
    chain: `eip155:${chainId}`,
    from: FROM,
    transferId: `tr-${'a'.repeat(40)}`,
    maxFeePerGasWei: tip + more,
    maxPriorityFeePerGasWei: tip,
    feeBoundWei: 10n ** 20n,
    plannedAtHeight: 7,
    ...rest,
  }));

function byEthers(of: EthereumPlan): string {
  const { movement: what } = of;
  const call =
    what.kind === 'native'
      ? { to: what.to, value: what.amountWei }
      : what.kind === 'erc20'
        ? { to: what.contract, data: erc20.encodeFunctionData('transfer', [what.to, what.amountUnits]) }
        : { to: of.from };
  const transaction = Transaction.from({
    type: 2,
    chainId: BigInt(of.chain.slice('eip155:'.length)),
    nonce: of.nonce,
    gasLimit: of.gasLimit,
    maxFeePerGas: of.maxFeePerGasWei,
    maxPriorityFeePerGas: of.maxPriorityFeePerGasWei,
    ...call,
  });
  return transaction.unsignedSerialized.slice(2);
}

describe('a plan', () => {
  it('gives the bytes that another implementation gives, and that the signer takes', () => {
    fc.assert(
      fc.property(plan, (of) => {
        const hex = unsignedHex(of);
        expect(hex).toBe(byEthers(of));
        const decoded = decodeEip1559(hex);
        if (decoded.kind === 'refused') throw new Error(decoded.code);
        expect(decoded.value.maxFeeWei).toBe(maxFeeOf(of));
        expect(decoded.value.nonce).toBe(BigInt(of.nonce));
      }),
    );
  });

  it('is the same after it was text, and gives the same bytes', () => {
    fc.assert(
      fc.property(plan, (of) => {
        expect(parsePlan(planText(of))).toEqual(of);
        expect(unsignedHex(parsePlan(planText(of)))).toBe(unsignedHex(of));
      }),
    );
  });

  const sample = fc.sample(plan, 1)[0] as EthereumPlan;
  it.each([
    ['not JSON', 'nonsense'],
    ['a field too many', planText({ ...sample, extra: 1 } as EthereumPlan)],
    ['a negative nonce', planText({ ...sample, nonce: -1 })],
    ['an amount with a sign', planText(sample).replace(/"gasLimit":"/, '"gasLimit":"-')],
    ['another version', planText(sample).replace('"version":1', '"version":2')],
  ])('refuses a stored plan when it has %s', (_what, text) => {
    expect(() => parsePlan(text)).toThrow(expect.objectContaining({ code: 'plan-malformed' }));
  });

  it('refuses to build bytes that the signer would not take', () => {
    const zero = `0x${'0'.repeat(40)}`;
    const bad = { ...sample, movement: { kind: 'native', to: zero, amountWei: 1n } } as const;
    expect(() => unsignedHex(bad)).toThrow(
      expect.objectContaining({ code: 'plan-malformed', facts: { code: 'destination-zero' } }),
    );
  });
});
