// SHA-256 by OpenSSL. A file of its own, so that who hashes need not have the rest of node:crypto, which also signs.

import { createHash } from 'node:crypto';

/** Of all these one after the other, text as UTF-8; lower-case hex. */
export function sha256Hex(...parts: readonly (string | Uint8Array)[]): string {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest('hex');
}
