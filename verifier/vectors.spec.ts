// The test vectors: genuine certificates, and what somebody has made of them. What each comes to stands beside them, for other
// programs that check certificates too.

import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { certificateSchemaText } from '../src/core/certificates/certificate.js';
import {
  checkDossier,
  codeOf,
  EXIT_OF_VERDICT,
  genesisHashIn,
  logIn,
} from '../src/core/certificates/dossier.js';
import { portableVerifier } from '../src/core/statements/signature.js';

const HERE = dirname(fileURLToPath(import.meta.url));
const read = (name: string) => readFileSync(join(HERE, 'vectors', name), 'utf8');

const CASES = z
  .array(
    z.strictObject({
      why: z.string(),
      files: z.array(z.string()).min(1),
      whole: z.boolean(),
      exit: z.int(),
      codes: z.array(z.string()),
    }),
  )
  .parse(JSON.parse(read('expected.json')));

const log = (() => {
  const found = logIn(read('governance.json'));
  if (!Array.isArray(found)) throw new Error(found.why);
  return found;
})();
const genesisHash = genesisHashIn(read('deployment.txt')) ?? '';

describe('the test vectors', () => {
  it.each(CASES)('$files come to $exit: $why', ({ files, whole, exit, codes }) => {
    const evidence = { log, genesisHash, verifier: portableVerifier };
    const texts = files.map((name) => ({ name, text: read(name) }));
    const { checked, chain, verdict } = checkDossier(texts, evidence, whole);
    const found = [...checked.map(codeOf), chain.kind === 'refused' ? chain.code : undefined];
    expect({
      exit: EXIT_OF_VERDICT[verdict],
      codes: found.filter((code) => code !== undefined),
    }).toEqual({ exit, codes });
  });

  it('have every exit code', () => {
    const codes = CASES.map(({ exit }) => exit);
    expect([...new Set(codes)].sort((one, other) => one - other)).toEqual(Object.values(EXIT_OF_VERDICT));
  });

  it('are of one log, and of no other (certificate-other-deployment)', () => {
    const evidence = { log, genesisHash: 'ab'.repeat(32), verifier: portableVerifier };
    const files = [{ name: 'one', text: read('approved-payment.jsonl') }];
    expect(checkDossier(files, evidence, false)).toMatchObject({
      verdict: 'mismatch',
      checked: [{ outcome: { code: 'certificate-other-deployment' } }],
    });
  });
});

describe('certificate.schema.json', () => {
  it('is the schema by which certificates are read', () => {
    expect(readFileSync(join(HERE, 'certificate.schema.json'), 'utf8')).toBe(certificateSchemaText());
  });
});
