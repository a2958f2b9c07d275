// The hash of an Ethereum block's header, from what a node says is in it (Yellow Paper §4.4, EIP-1559, EIP-4895, EIP-4844,
// EIP-4788, EIP-7685). A header whose hash is the block's hash says what it says: nothing in it is the node's word.

import { keccak_256 } from '@noble/hashes/sha3.js';
import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js';
import { z } from 'zod';
import { accepted, type Outcome, refused } from '../fault.js';
import { rlpList } from '../intents/ethereum/rlp.js';

export type HeaderRefusalCode = 'header-malformed' | 'header-hash-differs';

const word = z.string().regex(/^0x[0-9a-f]{64}$/);
const quantity = z.string().regex(/^0x(?:0|[1-9a-f][0-9a-f]{0,63})$/);
const data = (mostBytes: number) =>
  z
    .string()
    .max(2 + 2 * mostBytes)
    .regex(/^0x(?:[0-9a-f]{2})*$/);

/** In the order of the encoding. The later ones came with forks: once one is missing, so are all behind it. */
const headerShape = z.looseObject({
  hash: word,
  parentHash: word,
  sha3Uncles: word,
  miner: z.string().regex(/^0x[0-9a-f]{40}$/),
  stateRoot: word,
  transactionsRoot: word,
  receiptsRoot: word,
  logsBloom: z.string().regex(/^0x[0-9a-f]{512}$/),
  difficulty: quantity,
  number: quantity,
  gasLimit: quantity,
  gasUsed: quantity,
  timestamp: quantity,
  extraData: data(1_024),
  mixHash: word,
  nonce: z.string().regex(/^0x[0-9a-f]{16}$/),
  baseFeePerGas: quantity.nullish(),
  withdrawalsRoot: word.nullish(),
  blobGasUsed: quantity.nullish(),
  excessBlobGas: quantity.nullish(),
  parentBeaconBlockRoot: word.nullish(),
  requestsHash: word.nullish(),
});

export interface EthereumHeader {
  /** All without 0x. */
  readonly hash: string;
  readonly previous: string;
  readonly stateRoot: string;
  readonly height: number;
  readonly minedAtMs: number;
}

function bytesOf(hex: string): Uint8Array {
  return hexToBytes(hex.slice(2));
}

/** Without leading zeros; nothing for 0. */
function scalar(hex: string): Uint8Array {
  const digits = hex === '0x0' ? '' : hex.slice(2);
  return hexToBytes(digits.length % 2 === 0 ? digits : `0${digits}`);
}

/** What a node answers to `eth_getBlockByNumber`. Hostile input. */
export function verifyHeader(block: unknown): Outcome<EthereumHeader, HeaderRefusalCode> {
  const { data: header } = headerShape.safeParse(block);
  const height = Number.parseInt(header?.number ?? '', 16);
  const minedAtMs = Number.parseInt(header?.timestamp ?? '', 16) * 1_000;
  if (!header || !Number.isSafeInteger(height) || !Number.isSafeInteger(minedAtMs))
    return refused('header-malformed');
  const always = [
    bytesOf(header.parentHash),
    bytesOf(header.sha3Uncles),
    bytesOf(header.miner),
    bytesOf(header.stateRoot),
    bytesOf(header.transactionsRoot),
    bytesOf(header.receiptsRoot),
    bytesOf(header.logsBloom),
    scalar(header.difficulty),
    scalar(header.number),
    scalar(header.gasLimit),
    scalar(header.gasUsed),
    scalar(header.timestamp),
    bytesOf(header.extraData),
    bytesOf(header.mixHash),
    bytesOf(header.nonce),
  ];
  const later = [
    header.baseFeePerGas && scalar(header.baseFeePerGas),
    header.withdrawalsRoot && bytesOf(header.withdrawalsRoot),
    header.blobGasUsed && scalar(header.blobGasUsed),
    header.excessBlobGas && scalar(header.excessBlobGas),
    header.parentBeaconBlockRoot && bytesOf(header.parentBeaconBlockRoot),
    header.requestsHash && bytesOf(header.requestsHash),
  ];
  const there = later.flatMap((field) => (field ? [field] : []));
  const fields = [...always, ...there].map((payload) => ({ kind: 'bytes' as const, payload }));
  const hash = bytesToHex(keccak_256(rlpList(fields)));
  if (hash !== header.hash.slice(2)) return refused('header-hash-differs', { hash, named: header.hash });
  return accepted({
    hash,
    previous: header.parentHash.slice(2),
    stateRoot: header.stateRoot.slice(2),
    height,
    minedAtMs,
  });
}
