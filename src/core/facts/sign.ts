// How a fact comes to be signed. Only a watcher may import this: what the orchestrator says about the world is no fact, and
// an import rule keeps it from making one. It holds no key: whoever signs gives a function.

import { bytesToHex } from '@noble/hashes/utils.js';
import { FACT_TYPE, type FactContent, type FactStatement, type SignedFact } from './fact.js';
import { factBytes } from './fact-bytes.js';

export interface FactSigner {
  readonly deploymentId: string;
  /** As governance registered it. */
  readonly keyId: string;
  /** Ed25519 over the bytes themselves. */
  readonly sign: (bytes: Uint8Array) => Uint8Array;
}

/** The caller vouches that the sequence is higher than that of every earlier fact of this key about this subject. */
export function signFact(
  { deploymentId, keyId, sign }: FactSigner,
  content: FactContent,
  sequence: number,
  observedAtMs: number,
): SignedFact {
  const statement: FactStatement = {
    type: FACT_TYPE,
    deploymentId,
    keyId,
    sequence,
    observedAtMs,
    content,
  };
  return { statement, signature: bytesToHex(sign(factBytes(statement))) };
}
