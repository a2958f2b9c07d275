import { describe, expect, it } from '@jest/globals';
import { Block, Transaction } from 'bitcoinjs-lib';
import { easiestTargetAt } from './least-work.js';
import { verifiedBlock } from './raw-block.js';

/** The genesis block of regtest, Bitcoin Core's `chainparams.cpp`. */
const GENESIS =
  '0100000000000000000000000000000000000000000000000000000000000000000000003ba3edfd7a7b12b27ac72c3e67768f617fc81bc3888a51323a9fb8aa4b1e5e4adae5494dffff7f20020000000101000000010000000000000000000000000000000000000000000000000000000000000000ffffffff4d04ffff001d0104455468652054696d65732030332f4a616e2f32303039204368616e63656c6c6f72206f6e206272696e6b206f66207365636f6e64206261696c6f757420666f722062616e6b73ffffffff0100f2052a01000000434104678afdb0fe5548271967f1a67130b7105cd6a828e03909a67962e0ea1f61deb649f6bc3f4cef38c4f35504e51ec112de5c384df7ba0b8d578a4c702b6bf11d5fac00000000';
const HASH = '0f9188f13cb7b2c71f2a335e3a4fc328bf5beb436012afca590b1a11466e2206';

/** A block with this change and enough work again, and its hash. */
function forged(change: (block: Block) => void): { hex: string; hash: string } {
  const block = Block.fromHex(GENESIS);
  change(block);
  for (block.nonce = 0; !block.checkProofOfWork(); block.nonce += 1);
  return { hex: block.toHex(), hash: block.getId() };
}

const target = (bits: number) => BigInt(`0x${Buffer.from(Block.calculateTarget(bits)).toString('hex')}`);

describe('a raw block', () => {
  it('is read when it is the one that was asked for', () => {
    const block = verifiedBlock(GENESIS, HASH);
    expect(block).toMatchObject({ hash: HASH, previous: '00'.repeat(32), timeMs: 1_296_688_602_000 });
    expect(block.transactions).toHaveLength(1);
    expect(block.transactions[0]).toMatchObject({
      txid: '4a5e1e4baab89f3a32518a88c31bc87f618f76673e2cc77ab2127b7afdeda33b',
      coinbase: true,
      spends: [],
      outputs: [{ amountSats: 5_000_000_000n }],
    });
  });

  it('is refused when its hash is another', () => {
    const { hex } = forged((block) => {
      block.timestamp += 1;
    });
    expect(() => verifiedBlock(hex, HASH)).toThrow(
      expect.objectContaining({
        code: 'block-mismatch',
        facts: expect.objectContaining({ mismatch: 'its hash is another' }),
      }),
    );
  });

  it('is refused when its proof of work does not meet its target', () => {
    const block = Block.fromHex(GENESIS);
    block.nonce = 0;
    while (block.checkProofOfWork()) block.nonce += 1;
    expect(() => verifiedBlock(block.toHex(), block.getId())).toThrow(
      expect.objectContaining({ code: 'block-mismatch', message: expect.stringContaining('proof of work') }),
    );
  });

  it('is refused when it states a target that anybody could meet, on the main network', () => {
    const { hex, hash } = forged((block) => {
      block.timestamp += 1;
    });
    const mainnet = 'bip122:000000000019d6689c085ae165831e93';
    const regtest = 'bip122:0f9188f13cb7b2c71f2a335e3a4fc328';
    expect(() => verifiedBlock(hex, hash, easiestTargetAt(mainnet, 900_000))).toThrow(
      expect.objectContaining({
        code: 'block-mismatch',
        facts: expect.objectContaining({ mismatch: 'its target is too easy' }),
      }),
    );
    expect(verifiedBlock(hex, hash, easiestTargetAt(regtest, 900_000)).hash).toBe(hash);
    expect(verifiedBlock(hex, hash, easiestTargetAt(mainnet, 100)).hash).toBe(hash);
    // nBits of block 800,000: what the network itself mined then is believed.
    expect(target(0x17053894)).toBeLessThan(easiestTargetAt(mainnet, 800_000) ?? 0n);
    expect(target(0x1d00ffff)).toBeGreaterThan(easiestTargetAt(mainnet, 800_000) ?? 0n);
  });

  it('is refused when a transaction was changed, added or doubled', () => {
    const changes: ((block: Block) => void)[] = [
      (block) => {
        const output = block.transactions?.[0]?.outs[0];
        if (output) output.value += 1n;
      },
      (block) => {
        const extra = new Transaction();
        extra.addInput(Buffer.alloc(32, 7), 0);
        extra.addOutput(Buffer.from('51', 'hex'), 1n);
        block.transactions?.push(extra);
      },
      // CVE-2012-2459: doubling the last transaction of an odd number keeps the merkle root.
      (block) => {
        const [coinbase] = block.transactions ?? [];
        if (coinbase) block.transactions?.push(coinbase);
      },
    ];
    for (const change of changes) {
      const { hex, hash } = forged(change);
      expect(() => verifiedBlock(hex, hash)).toThrow(
        expect.objectContaining({
          code: 'block-mismatch',
          message: expect.stringContaining('does not commit'),
        }),
      );
    }
  });

  it.each(['', '00', GENESIS.slice(0, -2), `${GENESIS.slice(0, 160)}ff`])(
    'is refused as block-malformed when its bytes are cut or none (%#)',
    (hex) => {
      expect(() => verifiedBlock(hex, HASH)).toThrow(
        expect.objectContaining({ code: expect.stringMatching(/^block-(malformed|mismatch)$/) }),
      );
    },
  );
});
