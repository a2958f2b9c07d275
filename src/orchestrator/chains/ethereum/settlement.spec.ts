import { describe, expect, it } from '@jest/globals';
import { id } from 'ethers';
import type { EthereumPlan } from './plan.js';
import type { Log, Receipt } from './rpc-answers.js';
import { addressTopic, failureOf, feePaidOf, TRANSFER_TOPIC } from './settlement.js';

const WALLET = '0x7E5F4552091A69125d5DfCb7b8C2659029395Bdf';
const TOKEN = '0x2B5AD5c4795c026514f8317c7a215E218DcCD6cF';
const TO = '0x6813Eb9362372EEF6200f3b1dbC3f819671cBA69';
const OTHER = '0x1efF47bc3a10a45D4B230B5d10E37751FE6AA718';

const plan: EthereumPlan = {
  version: 1,
  chain: 'eip155:1',
  from: WALLET,
  nonce: 0,
  movement: { kind: 'erc20', contract: TOKEN, to: TO, amountUnits: 500n },
  transferId: `tr-${'0'.repeat(40)}`,
  gasLimit: 60_000n,
  maxFeePerGasWei: 2n,
  maxPriorityFeePerGasWei: 1n,
  feeBoundWei: 10n ** 18n,
  plannedAtHeight: 1,
};
const transfer = (of: { contract?: string; from?: string; to?: string; units?: bigint } = {}): Log => ({
  address: (of.contract ?? TOKEN).toLowerCase(),
  topics: [TRANSFER_TOPIC, addressTopic(of.from ?? WALLET), addressTopic(of.to ?? TO)],
  data: `0x${(of.units ?? 500n).toString(16).padStart(64, '0')}`,
});
const receipt = (logs: Log[], status: Receipt['status'] = '0x1'): Receipt => ({
  transactionHash: `0x${'1'.repeat(64)}`,
  blockHash: `0x${'2'.repeat(64)}`,
  blockNumber: 5,
  status,
  gasUsed: 51_000n,
  effectiveGasPrice: 3n,
  logs,
});

describe('failureOf', () => {
  it('knows the topic of the event by its signature', () => {
    expect(TRANSFER_TOPIC).toBe(id('Transfer(address,address,uint256)'));
  });

  it('finds nothing wrong with exactly one exact Transfer log', () => {
    expect(failureOf(plan, receipt([transfer()]))).toBeUndefined();
  });

  it('lets logs of other contracts be', () => {
    expect(failureOf(plan, receipt([transfer({ contract: OTHER }), transfer()]))).toBeUndefined();
  });

  it.each([
    ['status 0, whatever the logs', receipt([transfer()], '0x0'), 'reverted'],
    ['no log at all', receipt([]), 'transfer-log-missing'],
    ['the log of another contract only', receipt([transfer({ contract: OTHER })]), 'transfer-log-missing'],
    ['one unit less', receipt([transfer({ units: 499n })]), 'transfer-log-mismatch'],
    ['one unit more', receipt([transfer({ units: 501n })]), 'transfer-log-mismatch'],
    ['another destination', receipt([transfer({ to: OTHER })]), 'transfer-log-mismatch'],
    ["somebody else's units", receipt([transfer({ from: OTHER })]), 'transfer-log-mismatch'],
    [
      'a part for the token itself',
      receipt([transfer({ units: 495n }), transfer({ to: TOKEN, units: 5n })]),
      'transfer-log-mismatch',
    ],
    [
      'the exact log and a fee besides',
      receipt([transfer(), transfer({ to: OTHER, units: 5n })]),
      'transfer-log-not-alone',
    ],
    ['the exact log twice', receipt([transfer(), transfer()]), 'transfer-log-not-alone'],
    [
      'an amount that is indexed',
      receipt([{ ...transfer(), topics: [...transfer().topics, `0x${'0'.repeat(61)}1f4`], data: '0x' }]),
      'transfer-log-mismatch',
    ],
    [
      'data of two words',
      receipt([{ ...transfer(), data: `${transfer().data}${'0'.repeat(64)}` }]),
      'transfer-log-mismatch',
    ],
  ])('calls a token transfer failed when there is %s', (_what, of, reason) => {
    expect(failureOf(plan, of)).toBe(reason);
  });

  it('judges a native transfer by its status alone', () => {
    const native = { ...plan, movement: { kind: 'native', to: TO, amountWei: 1n } } as const;
    expect(failureOf(native, receipt([]))).toBeUndefined();
    expect(failureOf(native, receipt([], '0x0'))).toBe('reverted');
  });
});

describe('feePaidOf', () => {
  it('is what was burnt and tipped, not what was offered', () => {
    expect(feePaidOf(receipt([]))).toBe(153_000n);
  });
});
