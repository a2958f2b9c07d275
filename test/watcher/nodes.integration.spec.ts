// What a watcher makes of its nodes: how deep transactions lie on real chains, also where blocks are taken back, and what
// becomes of a node that lies about accounts and storage. The liar is a real node with somebody in between.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { keccak_256 } from '@noble/hashes/sha3.js';
import { bytesToHex } from '@noble/hashes/utils.js';
import { z } from 'zod';
import { type BitcoinDevnet, startBitcoinDevnet } from '../../devnet/bitcoin-node.js';
import { type EthereumDevnet, startEthereumDevnet } from '../../devnet/ethereum-node.js';
import { jsonRpc, jsonRpcText } from '../../devnet/json-rpc.js';
import { newestEthereumBlock, type Node, seeConfirmations, seeContract } from '../../src/watcher/nodes.js';

const BITCOIN = 'bip122:0f9188f13cb7b2c71f2a335e3a4fc328';
const ETHEREUM = 'eip155:31337';
const DESTINATION = 'bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080';
/** Of the devnet's accounts: money and no code. */
const PERSON = '0x70997970c51812dc3a010c7d01b50e0d17dc79c8';
const NOBODY = '0x00000000000000000000000000000000deadbeef';
const NO_CODE = bytesToHex(keccak_256(new Uint8Array(0)));
const FETCHING = { timeoutMs: 5_000 };

const proof = z.looseObject({
  accountProof: z.array(z.string()),
  codeHash: z.string(),
  storageProof: z.array(z.looseObject({ key: z.string(), value: z.string(), proof: z.array(z.string()) })),
});
type Proof = z.infer<typeof proof>;
type Lie = (result: unknown, params: readonly unknown[]) => unknown;

let place: string;
let bitcoin: BitcoinDevnet;
let ethereum: EthereumDevnet;
let token: string;
let liar: Server;
/** What it answers otherwise than the node behind it, by method. */
let lies: Record<string, Lie>;
let bitcoinNode: Node;
let lyingNode: Node;

const call = z.object({ method: z.string(), params: z.array(z.unknown()) });

beforeAll(async () => {
  place = mkdtempSync(join(tmpdir(), 'portcullis-watcher-nodes-'));
  [bitcoin, ethereum] = await Promise.all([
    startBitcoinDevnet({ logFile: join(place, 'bitcoin.log') }),
    startEthereumDevnet({ logFile: join(place, 'ethereum.log') }),
  ]);
  token = (await ethereum.deployToken({ name: 'Test Dollar', symbol: 'USDX', supply: 1_000n })).toLowerCase();
  for (let count = 1; count <= 20; count += 1)
    await ethereum.fundToken(token, `0x${count.toString(16).padStart(40, '5')}`, 1n);
  const at = new URL(bitcoin.rpcUrl);
  const loginFile = join(place, 'cookie');
  writeFileSync(loginFile, `${at.username}:${at.password}\n`);
  at.username = '';
  at.password = '';
  bitcoinNode = { url: at.href, loginFile };
  liar = createServer((request, response) => {
    const pieces: Buffer[] = [];
    request.on('data', (piece: Buffer) => pieces.push(piece));
    request.on('end', () => {
      const { method, params } = call.parse(JSON.parse(Buffer.concat(pieces).toString('utf8')));
      jsonRpc(ethereum.rpcUrl, method, params).then(
        (result) => response.end(JSON.stringify({ result: lies[method]?.(result, params) ?? result })),
        () => response.destroy(),
      );
    });
  });
  await new Promise<void>((resolve) => {
    liar.listen(0, '127.0.0.1', resolve);
  });
  lyingNode = { url: `http://127.0.0.1:${(liar.address() as AddressInfo).port}` };
}, 60_000);
afterAll(async () => {
  await Promise.all([bitcoin?.stop(), ethereum?.stop()]);
  liar.closeAllConnections();
  liar.close();
  rmSync(place, { recursive: true, force: true });
});
beforeEach(() => {
  lies = {};
});

async function depth(chain: string, transactionId: string, node: Node) {
  const seen = await seeConfirmations(chain, transactionId, node, FETCHING);
  if (seen.kind === 'refused') return seen.code;
  return seen.value.kind === 'confirmations' ? seen.value.confirmations : undefined;
}

describe('how deep a transaction lies on Bitcoin', () => {
  it('is 0 while it waits, and grows with each block above it', async () => {
    const { txid } = await bitcoin.fund(DESTINATION, 100_000n);
    expect(await depth(BITCOIN, txid, bitcoinNode)).toBe(0);
    await bitcoin.mine(1);
    expect(await depth(BITCOIN, txid, bitcoinNode)).toBe(1);
    const tips = await bitcoin.mine(5);
    const seen = await seeConfirmations(BITCOIN, txid, bitcoinNode, FETCHING);
    expect(seen).toMatchObject({
      value: { confirmations: 6, transactionId: txid, block: { hash: tips.at(-1) } },
    });
  });

  it('is 0 again when its block is taken back', async () => {
    const { txid } = await bitcoin.fund(DESTINATION, 100_000n);
    await bitcoin.mine(2);
    expect(await depth(BITCOIN, txid, bitcoinNode)).toBe(2);
    await bitcoin.reorg(2);
    expect(await depth(BITCOIN, txid, bitcoinNode)).toBe(0);
  });

  it('is 0 for one that nobody knows, and nothing where the login is wrong or the chain another', async () => {
    const unknown = 'ab'.repeat(32);
    expect(await depth(BITCOIN, unknown, bitcoinNode)).toBe(0);
    const wrong = join(place, 'wrong');
    writeFileSync(wrong, 'x:y');
    expect(await depth(BITCOIN, unknown, { ...bitcoinNode, loginFile: wrong })).toBe('source-malformed');
    expect(await depth(BITCOIN, unknown, { ...bitcoinNode, loginFile: join(place, 'none') })).toBe(
      'source-unreachable',
    );
    expect(await depth(`bip122:${'00'.repeat(16)}`, unknown, bitcoinNode)).toBe('node-on-another-chain');
  });
});

describe('how deep a transaction lies on Ethereum', () => {
  it('is 0 while it is in no block, and grows with each block above it', async () => {
    const node = { url: ethereum.rpcUrl };
    const hash = (await ethereum.fund(PERSON, 1n)).slice(2);
    expect(await depth(ETHEREUM, hash, node)).toBe(1);
    await ethereum.mine(3);
    expect(await depth(ETHEREUM, hash, node)).toBe(4);
    expect(await depth(ETHEREUM, 'cd'.repeat(32), node)).toBe(0);
  });

  it('is 0, and never less, for one that the node puts into a block that is not there yet', async () => {
    const hash = (await ethereum.fund(PERSON, 1n)).slice(2);
    lies.eth_getTransactionReceipt = (receipt) => ({ ...(receipt as object), blockNumber: '0xffffff' });
    expect(await depth(ETHEREUM, hash, lyingNode)).toBe(0);
    lies.eth_getTransactionReceipt = () => ({ blockNumber: '-0x1' });
    expect(await depth(ETHEREUM, hash, lyingNode)).toBe('source-malformed');
  });
});

const slotOf = (slot: number) => slot.toString(16).padStart(64, '0');
const code = (contract: string, node = lyingNode) =>
  seeContract({ chain: ETHEREUM, contract }, node, FETCHING);
const storage = (slot: string, contract = token) =>
  seeContract({ chain: ETHEREUM, contract, slot }, lyingNode, FETCHING);

/** The proof that the node gives of something else. */
async function proofOf(address: string, slots: readonly string[], block = 'latest'): Promise<Proof> {
  return proof.parse(
    await jsonRpc(ethereum.rpcUrl, 'eth_getProof', [address, slots.map((slot) => `0x${slot}`), block]),
  );
}

describe('an account', () => {
  it('has the code that the proof shows, whatever the node says beside it', async () => {
    const bytecode = await jsonRpcText(ethereum.rpcUrl, 'eth_getCode', [token, 'latest']);
    const codeHash = bytesToHex(keccak_256(Buffer.from(bytecode.slice(2), 'hex')));
    lies.eth_getProof = (said) => ({ ...proof.parse(said), codeHash: `0x${NO_CODE}`, address: NOBODY });
    expect(await code(token)).toMatchObject({ value: { kind: 'code', codeHash } });
  });

  it('has none where it is a person, or where nobody is, and all its words are 0', async () => {
    for (const contract of [PERSON, NOBODY]) {
      expect(await code(contract)).toMatchObject({ value: { codeHash: NO_CODE } });
      expect(await storage(slotOf(2), contract)).toMatchObject({ value: { value: slotOf(0) } });
    }
  });

  it('is not stated (node-proof-invalid) by a proof of another account, of an older state, or of none', async () => {
    const others = [
      await proofOf(PERSON, []),
      await proofOf(NOBODY, []),
      { ...(await proofOf(token, [], '0x0')) },
      { ...(await proofOf(token, [])), accountProof: [] },
    ];
    for (const other of others) {
      lies.eth_getProof = () => other;
      expect(await code(token)).toMatchObject({ kind: 'refused', code: 'node-proof-invalid' });
      expect(await storage(slotOf(2))).toMatchObject({ kind: 'refused', code: 'node-proof-invalid' });
    }
  });

  it('is not stated (node-proof-invalid) by a proof that is cut, turned round, or has a node twice', async () => {
    const ways: readonly ((nodes: readonly string[]) => readonly string[])[] = [
      (nodes) => nodes.slice(0, -1),
      (nodes) => nodes.slice(1),
      (nodes) => nodes.toReversed(),
      (nodes) => [...nodes, ...nodes.slice(-1)],
      (nodes) => [...nodes.slice(0, 1), ...nodes],
    ];
    for (const way of ways) {
      lies.eth_getProof = (said) => {
        const honest = proof.parse(said);
        return { ...honest, accountProof: way(honest.accountProof) };
      };
      expect(await code(token)).toMatchObject({ kind: 'refused', code: 'node-proof-invalid' });
    }
  });

  it('is not stated (source-malformed) by what is no proof', async () => {
    for (const answer of [{}, [], 'x', { accountProof: ['0x1'], storageProof: [] }]) {
      lies.eth_getProof = () => answer;
      expect(await code(token)).toMatchObject({ kind: 'refused', code: 'source-malformed' });
    }
    lies.eth_getProof = (said) => ({ ...proof.parse(said), accountProof: Array(66).fill('0x80') });
    expect(await code(token)).toMatchObject({ kind: 'refused', code: 'source-malformed' });
  });
});

describe('a word of storage', () => {
  it('is what the proof shows, whatever the node says beside it', async () => {
    lies.eth_getProof = (said) => {
      const honest = proof.parse(said);
      return { ...honest, storageProof: honest.storageProof.map((one) => ({ ...one, value: '0x7' })) };
    };
    expect(await storage(slotOf(2))).toMatchObject({
      value: { kind: 'storage', slot: slotOf(2), value: 1_000n.toString(16).padStart(64, '0') },
    });
    expect(await storage('f'.repeat(64))).toMatchObject({ value: { value: slotOf(0) } });
  });

  it('is not stated (node-proof-invalid) by the proof of another word, of another contract, or of none', async () => {
    const second = (await ethereum.deployToken({ name: 'Other', symbol: 'OTHER', supply: 7n })).toLowerCase();
    const honest = await proofOf(token, [slotOf(2)]);
    const others = [
      (await proofOf(token, [slotOf(3)])).storageProof,
      (await proofOf(token, ['f'.repeat(64)])).storageProof,
      (await proofOf(second, [slotOf(2)])).storageProof,
      [{ ...honest.storageProof[0], proof: [] }],
      [{ ...honest.storageProof[0], proof: ['0x80'] }],
      [],
    ];
    for (const storageProof of others) {
      lies.eth_getProof = (said) => ({ ...proof.parse(said), storageProof });
      expect(await storage(slotOf(2))).toMatchObject({ kind: 'refused', code: 'node-proof-invalid' });
    }
  });
});

describe('a block', () => {
  const header = z.record(z.string(), z.unknown());

  it('is not stated (node-proof-invalid) under another hash, or with another state than its hash says', async () => {
    for (const change of [{ hash: `0x${'ab'.repeat(32)}` }, { stateRoot: `0x${'ab'.repeat(32)}` }]) {
      lies.eth_getBlockByNumber = (block) => ({ ...header.parse(block), ...change });
      expect(await newestEthereumBlock(ETHEREUM, lyingNode, FETCHING)).toMatchObject({
        kind: 'refused',
        code: 'node-proof-invalid',
      });
      expect(await code(token)).toMatchObject({ kind: 'refused', code: 'node-proof-invalid' });
    }
  });

  it('of another chain is none (node-on-another-chain)', async () => {
    lies.eth_chainId = () => '0x1';
    expect(await code(token)).toMatchObject({ kind: 'refused', code: 'node-on-another-chain' });
  });
});
