// The bytes that a fact key signs. Apart from the shapes, so that an import rule can keep them from whoever has no fact to sign
// and none to verify: of the orchestrator, the command line and the SDK nobody needs them.

import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex } from '@noble/hashes/utils.js';
import { onceFor, statementBytes } from '../statements/preimage.js';
import { FACT_TYPE, type FactStatement } from './fact.js';

/** Domain-separated by their first line. Not to be written to. */
export const factBytes: (statement: FactStatement) => Uint8Array = onceFor((statement) =>
  statementBytes(FACT_TYPE, statement),
);

/** SHA-256 of the signed bytes, hex. */
export function factDigest(statement: FactStatement): string {
  return bytesToHex(sha256(factBytes(statement)));
}
