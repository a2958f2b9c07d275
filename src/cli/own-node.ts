// What an officer is about to sign of a chain, compared with a node of the officer's own. The orchestrator's nodes are the
// orchestrator's word; this is what makes the officers' word one of its own. It compares what it was asked to: a node that
// does not answer is a fault, never a check left out.

import { z } from 'zod';
import { formatUnits, parseUnits } from '../core/money/amount.js';
import type { BurialStatement } from '../core/recovery/burial.js';
import type { RestoredWallet } from '../core/recovery/restore.js';
import { cliFault } from './exit.js';
import { readText } from './files.js';
import { attention, bad, good, type Line } from './lines.js';
import { askNode, type RpcAnswer, type RpcNode } from './node-rpc.js';

export const nodeFlags: readonly (readonly [flags: string, description: string])[] = [
  ['--bitcoin-rpc <url>', 'your own Bitcoin node, to compare with'],
  ['--bitcoin-cookie <file>', 'its "user:password", as Bitcoin Core writes it to .cookie'],
  ['--ethereum-rpc <url>', 'your own Ethereum node, to compare with'],
];

const url = z.url({ protocol: /^https?$/ });
export const nodeShape = {
  bitcoinRpc: url.exactOptional(),
  bitcoinCookie: z.string().min(1).exactOptional(),
  ethereumRpc: url.exactOptional(),
};

export interface OwnNodes {
  readonly bitcoin: RpcNode | undefined;
  readonly ethereum: RpcNode | undefined;
}

/** Faults `arguments-invalid`: a password in an address is seen by everybody on this machine. */
export function ownNodes(options: {
  readonly bitcoinRpc?: string;
  readonly bitcoinCookie?: string;
  readonly ethereumRpc?: string;
}): OwnNodes {
  const nodeAt = (text: string | undefined, option: string): RpcNode | undefined => {
    if (text === undefined) return undefined;
    const at = new URL(text);
    if (at.username === '' && at.password === '') return { url: at };
    throw cliFault(
      'arguments-invalid',
      `--${option}: put user and password into a file, not into the address`,
    );
  };
  const bitcoin = nodeAt(options.bitcoinRpc, 'bitcoin-rpc');
  const login = options.bitcoinCookie === undefined ? undefined : readText(options.bitcoinCookie).trim();
  return {
    bitcoin: bitcoin && (login === undefined ? bitcoin : { ...bitcoin, login }),
    ethereum: nodeAt(options.ethereumRpc, 'ethereum-rpc'),
  };
}

/** `open`: the node cannot say. */
export interface Finding {
  readonly says: 'same' | 'differs' | 'open';
  readonly what: string;
}

const same = (what: string): Finding => ({ says: 'same', what });
const differs = (what: string): Finding => ({ says: 'differs', what });
const open = (what: string): Finding => ({ says: 'open', what });

export function findingLines(findings: readonly Finding[]): Line[] {
  const sign = { same: good('✓'), differs: bad('✗'), open: attention('–') };
  return findings.map(({ says, what }) => ['  ', sign[says], ` ${what}`]);
}

/** Faults `node-mismatch`: something is not as the officer's own node has it. Nothing is signed then. */
export function requireSame(findings: readonly Finding[]): void {
  const different = findings.filter(({ says }) => says === 'differs');
  if (different.length === 0) return;
  throw cliFault('node-mismatch', different.map(({ what }) => what).join('; '));
}

function resultOf<S extends z.ZodType>(answer: RpcAnswer, schema: S): z.output<S> | undefined {
  const parsed = answer.kind === 'result' ? schema.safeParse(answer.value) : undefined;
  return parsed?.success ? parsed.data : undefined;
}

const hexNumber = z
  .string()
  .regex(/^0x[0-9a-f]{1,13}$/)
  .transform((text) => Number.parseInt(text, 16));
const toHex = (value: number) => `0x${value.toString(16)}`;
const text = z.string();

/** Is this node on the chain at all? A CAIP-2 id of Bitcoin is the beginning of its first block's hash. */
async function requireChain(node: RpcNode, chain: string): Promise<void> {
  const found = chain.startsWith('bip122:')
    ? `bip122:${(resultOf(await askNode(node, 'getblockhash', [0]), text) ?? '').slice(0, 32)}`
    : `eip155:${resultOf(await askNode(node, 'eth_chainId', []), hexNumber) ?? ''}`;
  if (found === chain) return;
  throw cliFault('node-mismatch', `the node at ${node.url.origin} is on another chain`, { chain, found });
}

async function bitcoinBlock(node: RpcNode, block: { height: number; hash: string }): Promise<Finding> {
  const hash = resultOf(await askNode(node, 'getblockhash', [block.height]), text);
  if (hash === undefined) return differs(`your node has no block ${block.height}`);
  return hash === block.hash
    ? same(`block ${block.height} is the same on your node`)
    : differs(`block ${block.height} is ${hash} on your node, and ${block.hash} in the statement`);
}

async function ethereumBlock(node: RpcNode, block: { height: number; hash: string }): Promise<Finding> {
  const answer = await askNode(node, 'eth_getBlockByNumber', [toHex(block.height), false]);
  const found = resultOf(answer, z.looseObject({ hash: text }))?.hash.replace(/^0x/, '');
  if (found === undefined) return differs(`your node has no block ${block.height}`);
  return found === block.hash
    ? same(`block ${block.height} is the same on your node`)
    : differs(`block ${block.height} is ${found} on your node, and ${block.hash} in the statement`);
}

const coinShape = z.looseObject({ value: z.union([z.number(), z.string()]).transform(String) });
const COINS_AT_ONCE = 16;

/** Is the transaction that makes this coin on its way, in the mempool of the officer's own node? */
async function isOnItsWay(node: RpcNode, outpoint: string): Promise<boolean> {
  const answer = await askNode(node, 'getmempoolentry', [outpoint.slice(0, 64)]);
  return resultOf(answer, z.looseObject({})) !== undefined;
}

/** Each named coin, asked for by name. What is left out of the list it cannot see. */
async function bitcoinCoins(node: RpcNode, unspent: readonly string[]): Promise<Finding[]> {
  let sats = 0n;
  const gone: string[] = [];
  for (let at = 0; at < unspent.length; at += COINS_AT_ONCE) {
    const some = unspent.slice(at, at + COINS_AT_ONCE);
    const answers = await Promise.all(
      some.map((outpoint) => {
        const [txid = '', vout = ''] = outpoint.split(':');
        return askNode(node, 'gettxout', [txid, Number.parseInt(vout, 10), false]);
      }),
    );
    for (const [index, answer] of answers.entries()) {
      if (answer.kind === 'none')
        return [open('your node does not tell coins (gettxout): they were not compared')];
      const coin = resultOf(answer, coinShape);
      if (coin === undefined) gone.push(some[index] ?? '');
      else sats += parseUnits(coin.value, 8);
    }
  }
  let onItsWay = 0;
  for (const outpoint of gone) {
    if (!(await isOnItsWay(node, outpoint))) {
      return [
        differs(
          `${gone.length} of ${unspent.length} coins are not unspent on your node, such as ${outpoint}`,
        ),
      ];
    }
    onItsWay += 1;
  }
  const change = onItsWay === 0 ? '' : `; ${onItsWay} more are change of what your node has in no block yet`;
  const there = unspent.length - onItsWay;
  return [same(`all ${there} coins are unspent on your node: ${formatUnits(sats, 8)} BTC in total${change}`)];
}

const SCAN_TIMEOUT_MS = 15 * 60 * 1000;
const scanShape = z.looseObject({
  unspents: z.array(z.looseObject({ txid: text, vout: z.int(), height: z.int() })).max(100_000),
});

/** All coins of the wallet's addresses, as a node of Bitcoin Core finds them: the only way to see what is left out. */
async function bitcoinScan(
  node: RpcNode,
  addresses: readonly string[],
  { block, unspent }: Extract<RestoredWallet, { family: 'bitcoin' }>,
): Promise<Finding> {
  const descriptors = addresses.map((address) => `addr(${address})`);
  const answer = await askNode(node, 'scantxoutset', ['start', descriptors], SCAN_TIMEOUT_MS);
  if (answer.kind === 'none')
    return open('your node cannot scan (scantxoutset): coins may have been left out');
  const scanned = resultOf(answer, scanShape);
  if (scanned === undefined) {
    return open(`your node did not scan${answer.kind === 'error' ? `: ${answer.message}` : ''}`);
  }
  const listed = new Set(unspent);
  const missing = scanned.unspents.find(
    ({ txid, vout, height }) => height <= block.height && !listed.has(`${txid}:${vout}`),
  );
  return missing === undefined
    ? same('no coin of the wallet up to that block is left out of the list')
    : differs(`your node has a coin that is not in the list: ${missing.txid}:${missing.vout}`);
}

async function ethereumNonce(
  node: RpcNode,
  { address, block, minedNonces }: Extract<RestoredWallet, { family: 'ethereum' }>,
): Promise<Finding> {
  const answer = await askNode(node, 'eth_getTransactionCount', [address, toHex(block.height)]);
  const count = resultOf(answer, hexNumber);
  if (count === undefined) {
    return open('your node does not know the nonce at that block (only an archive node has old states)');
  }
  return count === minedNonces
    ? same(`${count} nonces are used up as of that block on your node`)
    : differs(`${count} nonces are used up on your node, and ${minedNonces} in the statement`);
}

/** One wallet of a restore; nothing where the officer has named no node for its chain. */
export async function compareWallet(
  nodes: OwnNodes,
  wallet: RestoredWallet,
  addresses: readonly string[],
  scan: boolean,
): Promise<readonly Finding[]> {
  const node = wallet.family === 'bitcoin' ? nodes.bitcoin : nodes.ethereum;
  if (node === undefined) return [];
  await requireChain(node, wallet.chain);
  if (wallet.family === 'ethereum') {
    return [await ethereumBlock(node, wallet.block), await ethereumNonce(node, wallet)];
  }
  return [
    await bitcoinBlock(node, wallet.block),
    ...(await bitcoinCoins(node, wallet.unspent)),
    ...(scan ? [await bitcoinScan(node, addresses, wallet)] : []),
  ];
}

function depth(
  height: number | undefined,
  { blockHeight, confirmations }: BurialStatement['conflicting'],
): Finding {
  if (height === undefined) return differs('your node does not say how high its chain is');
  const found = height - blockHeight + 1;
  return found >= confirmations
    ? same(`it is ${found} blocks deep on your node`)
    : differs(`it is ${found} blocks deep on your node, and ${confirmations} in the statement`);
}

/** The transaction of a burial that lies in the chain: its block, its depth, and that it is in there. */
export async function compareConflicting(
  nodes: OwnNodes,
  conflicting: BurialStatement['conflicting'],
  chain: string,
): Promise<readonly Finding[]> {
  const isBitcoin = chain.startsWith('bip122:');
  const node = isBitcoin ? nodes.bitcoin : nodes.ethereum;
  if (node === undefined) return [];
  await requireChain(node, chain);
  const block = { height: conflicting.blockHeight, hash: conflicting.blockHash };
  if (isBitcoin) {
    const found = await askNode(node, 'getblock', [block.hash, 1]);
    const inside = resultOf(found, z.looseObject({ tx: z.array(text) }))?.tx;
    const height = resultOf(await askNode(node, 'getblockcount', []), z.int());
    return [
      await bitcoinBlock(node, block),
      inside?.includes(conflicting.transactionId)
        ? same('the transaction is in that block on your node')
        : differs('the transaction is not in that block on your node'),
      depth(height, conflicting),
    ];
  }
  const receipt = await askNode(node, 'eth_getTransactionReceipt', [conflicting.transactionId]);
  const inBlock = resultOf(receipt, z.looseObject({ blockHash: text }))?.blockHash.replace(/^0x/, '');
  const height = resultOf(await askNode(node, 'eth_blockNumber', []), hexNumber);
  return [
    await ethereumBlock(node, block),
    inBlock === block.hash
      ? same('the transaction is in that block on your node')
      : differs('the transaction is not in that block on your node'),
    depth(height, conflicting),
  ];
}
