import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Fault } from '../core/fault.js';
import type { RestoredWallet } from '../core/recovery/restore.js';
import { compareConflicting, compareWallet, ownNodes, requireSame } from './own-node.js';

const BITCOIN = 'bip122:0f9188f13cb7b2c71f2a335e3a4fc328';
const GENESIS = `0f9188f13cb7b2c71f2a335e3a4fc328${'b'.repeat(32)}`;
const hash = 'cc'.repeat(32);
const outpoint = `${'aa'.repeat(32)}:1`;

const bitcoin = {
  family: 'bitcoin',
  walletId: 'hot-btc',
  chain: BITCOIN,
  block: { height: 800, hash },
  unspent: [outpoint],
  refreshFeeCeiling: '5000',
} satisfies RestoredWallet;
const ethereum = {
  family: 'ethereum',
  walletId: 'hot-eth',
  chain: 'eip155:31337',
  address: '0x70997970C51812dc3A010C7d01b50e0d17dc79C8',
  block: { height: 800, hash },
  minedNonces: 5,
  nextNonce: 7,
  refreshFeeCeiling: '1',
} satisfies RestoredWallet;

/** A node as an officer may have it: no such node is at hand that knows every call, so it is played. */
let server: Server;
let folder: string;
let url: string;
let answers: Record<string, string>;
let logins: (string | undefined)[];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'portcullis-node-'));
  server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk) => {
      body += String(chunk);
    });
    request.on('end', () => {
      logins.push(request.headers.authorization);
      const { method, params } = JSON.parse(body) as { method: string; params: unknown[] };
      const known = answers[`${method} ${String(params[0])}`] ?? answers[method];
      response.end(
        known === undefined
          ? '{"result":null,"error":{"code":-32601,"message":"no such method"},"id":1}'
          : `{"result":${known},"error":null,"id":1}`,
      );
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
});
afterAll(() => {
  server.close();
  rmSync(folder, { recursive: true });
});

beforeEach(() => {
  logins = [];
  answers = {
    'getblockhash 0': `"${GENESIS}"`,
    'getblockhash 800': `"${hash}"`,
    gettxout: '{"value":0.10000001,"confirmations":3}',
    getblock: `{"tx":["${'dd'.repeat(32)}"]}`,
    getblockcount: '810',
    eth_chainId: '"0x7a69"',
    eth_getBlockByNumber: `{"hash":"0x${hash}"}`,
    eth_getTransactionCount: '"0x5"',
    eth_getTransactionReceipt: `{"blockHash":"0x${hash}"}`,
    eth_blockNumber: '"0x365"',
  };
});

const nodes = () => ownNodes({ bitcoinRpc: url, ethereumRpc: url });
const says = async (wallet: RestoredWallet, scan = false) =>
  (await compareWallet(nodes(), wallet, ['bcrt1qexample'], scan)).map((finding) => finding.says);

async function codeOf(work: () => Promise<unknown>): Promise<string> {
  try {
    await work();
    return 'accepted';
  } catch (error) {
    if (error instanceof Fault) return error.code;
    throw error;
  }
}

describe('a wallet compared with a node of the officer', () => {
  it('is the same when block, coins and nonces are; the total is exact', async () => {
    const findings = await compareWallet(nodes(), bitcoin, [], false);
    expect(findings.map((one) => one.says)).toEqual(['same', 'same']);
    expect(findings[1]?.what).toContain('0.10000001 BTC in total');
    expect(await says(ethereum)).toEqual(['same', 'same']);
    expect(() => requireSame(findings)).not.toThrow();
  });

  it.each([
    [
      'another block of that height',
      'getblockhash 800',
      `"${'ee'.repeat(32)}"`,
      bitcoin,
      ['differs', 'same'],
    ],
    ['no block of that height', 'getblockhash 800', 'null', bitcoin, ['differs', 'same']],
    ['a coin that is spent', 'gettxout', 'null', bitcoin, ['same', 'differs']],
    [
      'another block',
      'eth_getBlockByNumber',
      `{"hash":"0x${'ee'.repeat(32)}"}`,
      ethereum,
      ['differs', 'same'],
    ],
    ['no such block', 'eth_getBlockByNumber', 'null', ethereum, ['differs', 'same']],
    ['more nonces used up', 'eth_getTransactionCount', '"0x6"', ethereum, ['same', 'differs']],
  ] as const)('differs when the node has %s', async (_what, method, answer, wallet, expected) => {
    answers[method] = answer;
    expect(await says(wallet)).toEqual(expected);
    const findings = await compareWallet(nodes(), wallet, [], false);
    expect(() => requireSame(findings)).toThrow(expect.objectContaining({ code: 'node-mismatch' }));
  });

  it('takes change of what waits in the mempool of the node for a coin, and no other that it does not have', async () => {
    answers.gettxout = 'null';
    answers[`getmempoolentry ${'aa'.repeat(32)}`] = '{"vsize":141}';
    expect(await says(bitcoin)).toEqual(['same', 'same']);
    expect(await says({ ...bitcoin, unspent: [outpoint, `${'ab'.repeat(32)}:0`] })).toEqual([
      'same',
      'differs',
    ]);
  });

  it('is left open, and said so, where the node does not offer the call', async () => {
    delete answers.gettxout;
    expect(await says(bitcoin)).toEqual(['same', 'open']);
  });

  it('has coins that were left out of the list noticed by a scan, and only up to the block', async () => {
    const listed = `{"txid":"${'aa'.repeat(32)}","vout":1,"height":700}`;
    const newer = `{"txid":"${'ab'.repeat(32)}","vout":0,"height":801}`;
    const hidden = `{"txid":"${'ac'.repeat(32)}","vout":0,"height":800}`;
    answers.scantxoutset = `{"unspents":[${listed},${newer}]}`;
    expect(await says(bitcoin, true)).toEqual(['same', 'same', 'same']);
    answers.scantxoutset = `{"unspents":[${listed},${newer},${hidden}]}`;
    expect(await says(bitcoin, true)).toEqual(['same', 'same', 'differs']);
    delete answers.scantxoutset;
    expect(await says(bitcoin, true)).toEqual(['same', 'same', 'open']);
  });

  it('is not compared with a node of another chain (node-mismatch), nor with silence (node-unreachable)', async () => {
    answers['getblockhash 0'] = `"${'0'.repeat(64)}"`;
    answers.eth_chainId = '"0x1"';
    expect(await codeOf(() => says(bitcoin))).toBe('node-mismatch');
    expect(await codeOf(() => says(ethereum))).toBe('node-mismatch');
    const nowhere = ownNodes({ bitcoinRpc: 'http://127.0.0.1:1' });
    expect(await codeOf(() => compareWallet(nowhere, bitcoin, [], false))).toBe('node-unreachable');
  });

  it('is not compared where no node was named', async () => {
    expect(await compareWallet(ownNodes({}), bitcoin, [], true)).toEqual([]);
  });
});

describe('the transaction of a burial compared with a node of the officer', () => {
  const conflicting = {
    transactionKey: `bitcoin:${'dd'.repeat(32)}`,
    transactionId: 'dd'.repeat(32),
    blockHash: hash,
    blockHeight: 800,
    confirmations: 11,
  };
  const verdicts = async (chain: string, altered: Partial<typeof conflicting> = {}) =>
    (await compareConflicting(nodes(), { ...conflicting, ...altered }, chain)).map((one) => one.says);

  it('is in that block, that deep', async () => {
    expect(await verdicts(BITCOIN)).toEqual(['same', 'same', 'same']);
    expect(await verdicts('eip155:31337', { confirmations: 70 })).toEqual(['same', 'same', 'same']);
  });

  it('differs when it is not so deep, not in there, or the block is another', async () => {
    expect(await verdicts(BITCOIN, { confirmations: 12 })).toEqual(['same', 'same', 'differs']);
    expect(await verdicts(BITCOIN, { transactionId: 'ef'.repeat(32) })).toEqual(['same', 'differs', 'same']);
    answers['getblockhash 800'] = `"${'ee'.repeat(32)}"`;
    answers.eth_getTransactionReceipt = 'null';
    expect(await verdicts(BITCOIN)).toEqual(['differs', 'same', 'same']);
    expect(await verdicts('eip155:31337')).toEqual(['same', 'differs', 'same']);
  });
});

describe('the address of a node', () => {
  it('holds no password, which everybody on the machine could read; a file does (arguments-invalid)', async () => {
    expect(await codeOf(async () => ownNodes({ bitcoinRpc: 'http://me:secret@127.0.0.1:8332' }))).toBe(
      'arguments-invalid',
    );
    const cookie = join(folder, '.cookie');
    writeFileSync(cookie, '__cookie__:secret\n');
    await compareWallet(ownNodes({ bitcoinRpc: url, bitcoinCookie: cookie }), bitcoin, [], false);
    expect(new Set(logins)).toEqual(
      new Set([`Basic ${Buffer.from('__cookie__:secret').toString('base64')}`]),
    );
  });
});
