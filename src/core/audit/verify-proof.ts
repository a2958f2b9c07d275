// Is a proof right? What an auditor runs who has two roots, or a root and an entry, and trusts nobody's tree: the
// algorithms of RFC 9162 §2.1.3.2 and §2.1.4.2. It takes roots as given: whether anybody signed them is for checkpoint.ts.

import { accepted, type Outcome, refused } from '../fault.js';
import { EMPTY_ROOT, HASH_BYTES, type Hash, half, isCount, isOdd, isSameHash, nodeHash } from './merkle.js';

export type AuditProofRefusalCode =
  /** It is about entries that a log of that size does not have. */
  | 'audit-proof-out-of-range'
  /** Another number of hashes than such a proof has, or something in it is no hash. */
  | 'audit-proof-malformed'
  /** It leads to another root. */
  | 'audit-proof-root-differs';

/** An entry's place in a log, and the hashes beside its way to the root, from the leaf upwards. */
export interface InclusionProof {
  readonly index: number;
  readonly size: number;
  readonly path: readonly Hash[];
}

/** Two sizes of one log, and the hashes that show the smaller one to be its beginning. */
export interface ConsistencyProof {
  readonly from: number;
  readonly size: number;
  readonly path: readonly Hash[];
}

type Verdict = Outcome<true, AuditProofRefusalCode>;

function malformed(why: string): Verdict {
  return refused('audit-proof-malformed', { why });
}

function isHashes(hashes: readonly Hash[]): boolean {
  return hashes.every((hash) => hash instanceof Uint8Array && hash.length === HASH_BYTES);
}

/** The hashes of a proof, one after the other; a proof has at most one for each bit of a count. */
class Steps {
  private taken = 0;
  constructor(private readonly hashes: readonly Hash[]) {}
  next(): Hash | undefined {
    return this.hashes[this.taken++];
  }
  get areUsedUp(): boolean {
    return this.taken === this.hashes.length;
  }
}

/** Does this leaf stand at that place in the log with this root? Proof, leaf and root are hostile. RFC 9162 §2.1.3.2. */
export function verifyInclusion(leaf: Hash, { index, size, path }: InclusionProof, root: Hash): Verdict {
  if (!isCount(index) || !isCount(size) || index >= size)
    return refused('audit-proof-out-of-range', { index, size });
  if (!isHashes([leaf, root, ...path])) return malformed('something in it is no hash');
  const steps = new Steps(path);
  let hash = leaf;
  let at = index;
  // The last node of a row may have no right neighbour; it then is its own parent.
  for (let last = size - 1; last > 0; at = half(at), last = half(last)) {
    if (!isOdd(at) && at === last) continue;
    const beside = steps.next();
    if (beside === undefined) return malformed('hashes are missing');
    hash = isOdd(at) ? nodeHash(beside, hash) : nodeHash(hash, beside);
  }
  if (!steps.areUsedUp) return malformed('it has hashes to spare');
  return isSameHash(hash, root) ? accepted(true) : refused('audit-proof-root-differs', { index, size });
}

/** Does the log with the one root begin with the log with the other? Proof and roots are hostile. RFC 9162 §2.1.4.2. */
export function verifyConsistency(
  { from, size, path }: ConsistencyProof,
  fromRoot: Hash,
  root: Hash,
): Verdict {
  if (!isCount(from) || !isCount(size) || from > size)
    return refused('audit-proof-out-of-range', { from, size });
  if (!isHashes([fromRoot, root, ...path])) return malformed('something in it is no hash');
  const differs = refused('audit-proof-root-differs', { from, size });
  if (from === 0 || from === size) {
    if (path.length > 0) return malformed('it has hashes to spare');
    // Nothing is the beginning of every log; RFC 9162 leaves that out, and so the empty root is compared here.
    const isBeginning = from > 0 || isSameHash(fromRoot, EMPTY_ROOT);
    const isSame = from < size || isSameHash(fromRoot, root);
    return isBeginning && isSame ? accepted(true) : differs;
  }
  const steps = new Steps(path);
  let at = from - 1;
  let last = size - 1;
  while (isOdd(at)) {
    at = half(at);
    last = half(last);
  }
  // A log whose size is a power of two is one subtree of the larger one, and its root is known already.
  let small = at === 0 ? fromRoot : steps.next();
  if (small === undefined) return malformed('hashes are missing');
  let large = small;
  for (; last > 0; at = half(at), last = half(last)) {
    if (!isOdd(at) && at === last) continue;
    const beside = steps.next();
    if (beside === undefined) return malformed('hashes are missing');
    if (isOdd(at)) small = nodeHash(beside, small);
    large = isOdd(at) ? nodeHash(beside, large) : nodeHash(large, beside);
  }
  if (!steps.areUsedUp) return malformed('it has hashes to spare');
  return isSameHash(small, fromRoot) && isSameHash(large, root) ? accepted(true) : differs;
}
