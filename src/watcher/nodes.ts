// What the watcher's own nodes say: the newest block, and how deep a transaction lies. A node of one's own is believed about
// which chain is the longest, and about nothing that a hash can show: headers are hashed here.

import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js';
import { z } from 'zod';
import { verifyHeader } from '../core/facts/ethereum-header.js';
import { NO_CODE, provenAccount, provenWord } from '../core/facts/trie.js';
import { accepted, type Outcome, refused } from '../core/fault.js';
import { type Fetching, fetchJson, loginIn, type Seen, type WatcherRefusalCode } from './source.js';

const MAX_NODE_BYTES = 8 * 1024 * 1024;

export interface Node {
  readonly url: string;
  readonly loginFile?: string;
}

type Answered<T> = Outcome<T, WatcherRefusalCode>;

const answerShape = z.looseObject({ result: z.unknown(), error: z.unknown().optional() });
const errorShape = z.looseObject({ code: z.string().regex(/^-?[0-9]{1,6}$/) });

/** Bitcoin's RPC: no such transaction, as far as this node knows. */
const NOT_FOUND = '-5';

export async function ask<S extends z.ZodType>(
  node: Node,
  method: string,
  params: readonly unknown[],
  shape: S,
  fetching: Fetching,
): Promise<Answered<z.output<S>>> {
  const { url, loginFile } = node;
  const login = loginFile === undefined ? undefined : loginIn(loginFile);
  if (login?.kind === 'refused') return login;
  const answer = await fetchJson(
    {
      url,
      ...(login === undefined
        ? {}
        : { authorization: `Basic ${Buffer.from(login.value).toString('base64')}` }),
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }),
    },
    { ...fetching, maxBytes: MAX_NODE_BYTES },
  );
  if (answer.kind === 'refused') return answer;
  const { data } = answerShape.safeParse(answer.value);
  const result = shape.safeParse(data?.result);
  if (data?.error !== null && data?.error !== undefined) {
    const rpcCode = errorShape.safeParse(data.error).data?.code;
    return refused('source-malformed', { method, ...(rpcCode === undefined ? {} : { rpcCode }) });
  }
  return data && result.success ? accepted(result.data) : refused('source-malformed', { method });
}

const hash = z.string().regex(/^[0-9a-f]{64}$/);
/** A number of Bitcoin's RPC, as text. */
const number = z
  .string()
  .regex(/^(?:0|[1-9][0-9]{0,11})$/)
  .transform((text) => Number.parseInt(text, 10));
const HEADER_BYTES = 80;

/** What a header says of itself: version, parent, root, time, bits and nonce. */
function readBitcoinHeader(hex: string) {
  const bytes = hexToBytes(hex);
  const reversed = (from: number, to: number) => bytesToHex(bytes.slice(from, to).reverse());
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return {
    hash: bytesToHex(sha256(sha256(bytes)).reverse()),
    previous: reversed(4, 36),
    minedAtMs: view.getUint32(68, true) * 1_000,
    bits: view.getUint32(72, true),
  };
}

/** The hash is as small as the header itself says that it has to be: somebody has worked for it. */
function isWorkedFor(blockHash: string, bits: number): boolean {
  const exponent = bits >>> 24;
  const mantissa = BigInt(bits & 0x7f_ffff);
  const target =
    exponent <= 3 ? mantissa >> BigInt(8 * (3 - exponent)) : mantissa << BigInt(8 * (exponent - 3));
  return BigInt(`0x${blockHash}`) <= target;
}

export interface SeenBlock {
  readonly height: number;
  readonly hash: string;
  readonly previous: string;
  readonly stateRoot: string | null;
  readonly minedAtMs: number;
}

export async function newestBitcoinBlock(
  chain: string,
  node: Node,
  fetching: Fetching,
): Promise<Answered<SeenBlock>> {
  const genesis = await ask(node, 'getblockhash', [0], hash, fetching);
  if (genesis.kind === 'refused') return genesis;
  if (`bip122:${genesis.value.slice(0, 32)}` !== chain) return refused('node-on-another-chain', { chain });
  const height = await ask(node, 'getblockcount', [], number, fetching);
  if (height.kind === 'refused') return height;
  const named = await ask(node, 'getblockhash', [height.value], hash, fetching);
  if (named.kind === 'refused') return named;
  const hex = z.string().regex(new RegExp(`^[0-9a-f]{${HEADER_BYTES * 2}}$`));
  const raw = await ask(node, 'getblockheader', [named.value, false], hex, fetching);
  if (raw.kind === 'refused') return raw;
  const { bits, ...header } = readBitcoinHeader(raw.value);
  if (header.hash !== named.value || !isWorkedFor(header.hash, bits))
    return refused('node-proof-invalid', { hash: named.value });
  return accepted({ ...header, height: height.value, stateRoot: null });
}

const quantity = z
  .string()
  .regex(/^0x(?:0|[1-9a-f][0-9a-f]{0,12})$/)
  .transform((text) => Number.parseInt(text, 16));

export async function newestEthereumBlock(
  chain: string,
  node: Node,
  fetching: Fetching,
): Promise<Answered<SeenBlock>> {
  const id = await ask(node, 'eth_chainId', [], quantity, fetching);
  if (id.kind === 'refused') return id;
  if (`eip155:${id.value}` !== chain) return refused('node-on-another-chain', { chain });
  const block = await ask(node, 'eth_getBlockByNumber', ['latest', false], z.unknown(), fetching);
  if (block.kind === 'refused') return block;
  const header = verifyHeader(block.value);
  return header.kind === 'refused' ? refused('node-proof-invalid', { chain, why: header.code }) : header;
}

const proofShape = z.looseObject({
  accountProof: z.array(z.string().regex(/^0x(?:[0-9a-f]{2})*$/)).max(65),
  storageProof: z
    .array(z.looseObject({ proof: z.array(z.string().regex(/^0x(?:[0-9a-f]{2})*$/)).max(65) }))
    .max(1),
});
const proofBytes = (nodes: readonly string[]) => nodes.map((node) => hexToBytes(node.slice(2)));

/** The code at an address, or a word of its storage, proved against the newest block. */
export async function seeContract(
  about: { readonly chain: string; readonly contract: string; readonly slot?: string },
  node: Node,
  fetching: Fetching,
): Promise<Seen> {
  const { chain, contract, slot } = about;
  const newest = await newestEthereumBlock(chain, node, fetching);
  if (newest.kind === 'refused') return newest;
  const { height, hash: newestHash, stateRoot } = newest.value;
  const slots = slot === undefined ? [] : [`0x${slot}`];
  const params = [contract, slots, `0x${height.toString(16)}`];
  const said = await ask(node, 'eth_getProof', params, proofShape, fetching);
  if (said.kind === 'refused') return said;
  const invalid = () => refused('node-proof-invalid' as const, { chain, contract });
  const account = provenAccount(stateRoot ?? '', contract, proofBytes(said.value.accountProof));
  if (account.kind === 'refused') return invalid();
  const block = { height, hash: newestHash };
  const { codeHash, storageRoot } = account.value ?? { codeHash: NO_CODE, storageRoot: undefined };
  if (slot === undefined) return accepted({ kind: 'code', chain, contract, codeHash, block });
  if (storageRoot === undefined)
    return accepted({ kind: 'storage', chain, contract, slot, value: '0'.repeat(64), block });
  const [word] = said.value.storageProof;
  const value = provenWord(storageRoot, slot, proofBytes(word?.proof ?? []));
  return value.kind === 'refused'
    ? invalid()
    : accepted({ kind: 'storage', chain, contract, slot, value: value.value, block });
}

export async function seeBlock(chain: string, node: Node, fetching: Fetching): Promise<Seen> {
  const block = await newestBlock(chain, node, fetching);
  return block.kind === 'refused' ? block : accepted({ kind: 'block-header', chain, ...block.value });
}

export function newestBlock(chain: string, node: Node, fetching: Fetching): Promise<Answered<SeenBlock>> {
  return chain.startsWith('bip122:')
    ? newestBitcoinBlock(chain, node, fetching)
    : newestEthereumBlock(chain, node, fetching);
}

/** How deep something lies under a newest block of this height. */
type Depth = (height: number) => number;

/** Bitcoin's nodes count themselves. */
async function bitcoinDepth(transactionId: string, node: Node, fetching: Fetching): Promise<Answered<Depth>> {
  const shape = z.looseObject({ confirmations: number.optional() });
  const found = await ask(node, 'getrawtransaction', [transactionId, true], shape, fetching);
  if (found.kind === 'refused') return found.facts.rpcCode === NOT_FOUND ? accepted(() => 0) : found;
  const { confirmations = 0 } = found.value;
  return accepted(() => confirmations);
}

async function ethereumDepth(
  transactionId: string,
  node: Node,
  fetching: Fetching,
): Promise<Answered<Depth>> {
  const shape = z.looseObject({ blockNumber: quantity.nullable() }).nullable();
  const receipt = await ask(node, 'eth_getTransactionReceipt', [`0x${transactionId}`], shape, fetching);
  if (receipt.kind === 'refused') return receipt;
  const mined = receipt.value?.blockNumber ?? null;
  return accepted((height) => (mined === null ? 0 : Math.max(0, height - mined + 1)));
}

/**
 * How deep a transaction lies, as the node says: 0 while it knows it in no block, or does not know it. Asked for before the
 * newest block, so that it is never said to lie deeper than under that one.
 */
export async function seeConfirmations(
  chain: string,
  transactionId: string,
  node: Node,
  fetching: Fetching,
): Promise<Seen> {
  const depth = chain.startsWith('bip122:')
    ? await bitcoinDepth(transactionId, node, fetching)
    : await ethereumDepth(transactionId, node, fetching);
  if (depth.kind === 'refused') return depth;
  const newest = await newestBlock(chain, node, fetching);
  if (newest.kind === 'refused') return newest;
  const { height, hash: newestHash } = newest.value;
  return accepted({
    kind: 'confirmations',
    chain,
    transactionId,
    confirmations: depth.value(height),
    block: { height, hash: newestHash },
  });
}
