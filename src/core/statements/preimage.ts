// How every signed text becomes bytes: a line that names its type, then its canonical JSON. The line keeps a signature
// over one type from ever being one over another, and no HTTP message signature (RFC 9421) or transaction starts so.

import { concatBytes, utf8ToBytes } from '@noble/hashes/utils.js';
import { type CanonicalValue, canonicalBytes } from './canonical-json.js';

export function statementBytes(type: string, statement: CanonicalValue): Uint8Array {
  return concatBytes(utf8ToBytes(`${type}\n`), canonicalBytes(statement));
}
