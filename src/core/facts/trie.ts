// Proofs in Ethereum's state trie (Yellow Paper, appendix D): what an account or a word of storage is, under a state root.
// What a node says of it beside the proof is not looked at. It does not say whose state root that is.

import { keccak_256 } from '@noble/hashes/sha3.js';
import { bytesToHex, concatBytes, hexToBytes } from '@noble/hashes/utils.js';
import { accepted, Fault, type Outcome, refused } from '../fault.js';
import { type RlpItem, readRlpList } from '../intents/ethereum/rlp.js';

export type TrieRefusalCode = 'trie-proof-invalid';

/** A path has 64 nibbles, so no honest proof has more nodes. */
const MOST_NODES = 65;
const BRANCH_ITEMS = 17;
const SHORT_ITEMS = 2;

/** An account without code has the hash of nothing. */
export const NO_CODE = bytesToHex(keccak_256(new Uint8Array(0)));
/** An empty string's encoding, which is all of an empty trie. */
const EMPTY_STRING = 0x80;
const EMPTY_ROOT = bytesToHex(keccak_256(Uint8Array.of(EMPTY_STRING)));

type Result<T> = Outcome<T, TrieRefusalCode>;

function invalid(why: string): never {
  throw new Fault<TrieRefusalCode>('trie-proof-invalid', why);
}

function nibblesOf(bytes: Uint8Array): number[] {
  return [...bytes].flatMap((byte) => [byte >> 4, byte & 0xf]);
}

/** Hex-prefix encoding: the path of a leaf or an extension. */
function compactPath(bytes: Uint8Array): { readonly isLeaf: boolean; readonly nibbles: readonly number[] } {
  const [flag = 0, ...rest] = nibblesOf(bytes);
  if (bytes.length === 0 || flag > 3) return invalid('a path is not encoded as one');
  if (flag % 2 === 1) return { isLeaf: flag >= 2, nibbles: rest };
  return rest[0] === 0 ? { isLeaf: flag >= 2, nibbles: rest.slice(1) } : invalid('a path has other padding');
}

/** A node that is shorter than its hash stands in its parent. */
function inlineNode({ payload }: RlpItem): readonly RlpItem[] {
  return payload.length < 32
    ? readRlpList(concatBytes(Uint8Array.of(0xc0 + payload.length), payload))
    : invalid('a node that is not short stands in another one');
}

/** Follows the path; null where the proof shows that nothing is there. Throws `trie-proof-invalid`, `rlp-malformed`. */
function follow(root: string, path: Uint8Array, proof: readonly Uint8Array[]): Uint8Array | null {
  let left: readonly number[] = nibblesOf(path);
  let used = 0;
  const nodeOf = (hash: string): readonly RlpItem[] => {
    const node = proof[used];
    used += 1;
    if (!node || bytesToHex(keccak_256(node)) !== hash)
      return invalid('a node has another hash than its parent says');
    return readRlpList(node);
  };
  /** Nothing beside what was needed: a proof has one form. */
  const ended = <T>(value: T): T => (used === proof.length ? value : invalid('nodes to spare'));
  let node = nodeOf(root);
  for (;;) {
    let next: RlpItem | undefined;
    if (node.length === BRANCH_ITEMS) {
      const [nibble, ...rest] = left;
      if (nibble === undefined) return invalid('the path ends in a branch');
      next = node[nibble];
      left = rest;
    } else {
      const [encoded, child] = node;
      if (node.length !== SHORT_ITEMS || !encoded || encoded.kind !== 'bytes') return invalid('no node');
      const { isLeaf, nibbles } = compactPath(encoded.payload);
      if (nibbles.length === 0 && !isLeaf) return invalid('an extension of nothing');
      const matches = nibbles.every((nibble, at) => left[at] === nibble);
      if (!matches || (isLeaf && nibbles.length !== left.length)) return ended(null);
      left = left.slice(nibbles.length);
      if (isLeaf) return child?.kind === 'bytes' ? ended(child.payload) : invalid('a leaf without a value');
      next = child;
    }
    if (!next) return invalid('no node');
    if (next.kind === 'list') node = inlineNode(next);
    else if (next.payload.length === 0) return ended(null);
    else if (next.payload.length === 32) node = nodeOf(bytesToHex(next.payload));
    else return invalid('a reference is neither a hash nor a node');
  }
}

function proven<T>(work: () => T): Result<T> {
  try {
    return accepted(work());
  } catch (error) {
    if (error instanceof Fault && (error.code === 'trie-proof-invalid' || error.code === 'rlp-malformed'))
      return refused('trie-proof-invalid', { why: error.message });
    throw error;
  }
}

/** Some nodes prove that a trie is empty by nothing at all, others by its root, an empty string's encoding. */
function isOfNothing([root, ...others]: readonly Uint8Array[]): boolean {
  return others.length === 0 && (root === undefined || (root.length === 1 && root[0] === EMPTY_STRING));
}

/** The value under a key of the trie with this root, or null where there is none. Hostile proof. Refuses `trie-proof-invalid`. */
export function provenValue(
  root: string,
  key: Uint8Array,
  proof: readonly Uint8Array[],
): Result<Uint8Array | null> {
  if (proof.length > MOST_NODES) return refused('trie-proof-invalid', { why: 'too many nodes' });
  if (root === EMPTY_ROOT && isOfNothing(proof)) return accepted(null);
  return proven(() => follow(root, keccak_256(key), proof));
}

export interface ProvenAccount {
  readonly storageRoot: string;
  readonly codeHash: string;
}

/** An account; null where nothing is at the address. */
export function provenAccount(
  stateRoot: string,
  address: string,
  proof: readonly Uint8Array[],
): Result<ProvenAccount | null> {
  const value = provenValue(stateRoot, hexToBytes(address.slice(2)), proof);
  if (value.kind === 'refused' || value.value === null)
    return value.kind === 'refused' ? value : accepted(null);
  const bytes = value.value;
  return proven(() => {
    const [, , storageRoot, codeHash, ...others] = readRlpList(bytes);
    if (storageRoot?.payload.length !== 32 || codeHash?.payload.length !== 32 || others.length > 0)
      return invalid('no account');
    return { storageRoot: bytesToHex(storageRoot.payload), codeHash: bytesToHex(codeHash.payload) };
  });
}

/** A word of storage, 32 bytes in hex; a word that was never written is 0. */
export function provenWord(storageRoot: string, slot: string, proof: readonly Uint8Array[]): Result<string> {
  const value = provenValue(storageRoot, hexToBytes(slot), proof);
  if (value.kind === 'refused') return value;
  const bytes = value.value;
  if (bytes === null) return accepted('0'.repeat(64));
  return proven(() => {
    const [word, ...others] = readRlpList(concatBytes(Uint8Array.of(0xc0 + bytes.length), bytes));
    if (word?.kind !== 'bytes' || word.payload.length > 32 || others.length > 0 || bytes.length > 33)
      return invalid('no word');
    return bytesToHex(word.payload).padStart(64, '0');
  });
}
