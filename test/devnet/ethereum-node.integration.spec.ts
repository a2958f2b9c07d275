import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type EthereumDevnet, startEthereumDevnet } from '../../devnet/ethereum-node.js';

const RECIPIENT = '0x00000000000000000000000000000000c0ffee01';

describe('the Ethereum node of the devnet', () => {
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-eth-'));
  const logFile = join(folder, 'node.log');
  let node: EthereumDevnet;

  beforeAll(async () => {
    node = await startEthereumDevnet({ logFile });
  });
  afterAll(async () => {
    await node.stop();
    rmSync(folder, { recursive: true });
  });

  it('funds an address to the wei', async () => {
    await node.fund(RECIPIENT, 1_000_000_000_000_000_001n);
    expect(await node.balance(RECIPIENT)).toBe(1_000_000_000_000_000_001n);
  });

  it('deploys a token and hands out units of it', async () => {
    const token = await node.deployToken({ name: 'Test Dollar', symbol: 'TUSD', supply: 10n ** 24n });
    await node.fundToken(token, RECIPIENT, 123_456_789n);
    expect(await node.tokenBalance(token, RECIPIENT)).toBe(123_456_789n);
  });

  it('refuses a raw transaction that is not signed', async () => {
    await expect(node.call('eth_sendRawTransaction', ['0x02c0'])).rejects.toMatchObject({
      code: 'rpc-error',
    });
  });

  it('replaces blocks, and what they held is gone', async () => {
    const other = '0x00000000000000000000000000000000c0ffee02';
    await node.fund(other, 5n);
    const height = await node.blockNumber();
    const before = await node.call('eth_getBlockByNumber', [`0x${height.toString(16)}`, false]);
    await node.reorg(1);
    const after = await node.call('eth_getBlockByNumber', [`0x${height.toString(16)}`, false]);
    expect(await node.blockNumber()).toBe(height + 1);
    expect(after).not.toMatchObject({ hash: (before as { hash: string }).hash });
    expect(await node.balance(other)).toBe(0n);
  });

  it('keeps transactions waiting until a block is asked for when it does not mine by itself', async () => {
    const quiet = await startEthereumDevnet({ logFile, autoMine: false });
    try {
      const [from] = (await quiet.call('eth_accounts')) as string[];
      await quiet.call('eth_sendTransaction', [{ from, to: RECIPIENT, value: '0x7' }]);
      expect(await quiet.balance(RECIPIENT)).toBe(0n);
      await quiet.mine();
      expect(await quiet.balance(RECIPIENT)).toBe(7n);
    } finally {
      await quiet.stop();
    }
  });

  it('keeps its chain from one start to the next', async () => {
    const stateFile = join(folder, 'state', 'chain.json');
    const first = await startEthereumDevnet({ logFile, stateFile });
    const hash = await first.fund(RECIPIENT, 42n);
    await first.stop();
    const second = await startEthereumDevnet({ logFile, stateFile });
    try {
      expect(await second.balance(RECIPIENT)).toBe(42n);
      expect(await second.call('eth_getTransactionReceipt', [hash])).toMatchObject({ status: '0x1' });
    } finally {
      await second.stop();
    }
  });
});
