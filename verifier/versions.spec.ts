// Certificates of each version of the rules of decision, as a signer of that version made them. They are never made anew: where one of
// the version that this code has is no longer proved, the rules have changed, and the version has to be raised with them
// (src/core/authorization/decision-version.ts).

import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from '@jest/globals';
import { DECISION_VERSION, isRecounted } from '../src/core/authorization/decision-version.js';
import { checkDossier, codeOf, genesisHashIn, logIn } from '../src/core/certificates/dossier.js';
import { portableVerifier } from '../src/core/statements/signature.js';

const FOLDER = join(dirname(fileURLToPath(import.meta.url)), 'versions');
const versions = readdirSync(FOLDER).sort();

function examined(version: string) {
  const read = (name: string) => readFileSync(join(FOLDER, version, name), 'utf8');
  const log = logIn(read('governance.json'));
  if (!Array.isArray(log)) throw new Error(log.why);
  const evidence = {
    log,
    genesisHash: genesisHashIn(read('deployment.txt')) ?? '',
    verifier: portableVerifier,
  };
  return checkDossier([{ name: version, text: read('certificates.jsonl') }], evidence, true);
}

describe('certificates of each version of the rules of decision', () => {
  it('are here of the version that this code has', () => {
    expect(versions).toContain(DECISION_VERSION);
  });

  it.each(versions.filter(isRecounted))('%s: are proved', (version) => {
    const { verdict, checked } = examined(version);
    expect({ verdict, codes: checked.map(codeOf) }).toEqual({
      verdict: 'proved',
      codes: checked.map(() => undefined),
    });
    for (const { outcome } of checked) {
      expect(outcome).toMatchObject({ value: { certificate: { reservation: { signerVersion: version } } } });
    }
  });

  it.each(versions.filter((one) => !isRecounted(one)))('%s: accuse nobody, and are not proved', (version) => {
    const { verdict, checked } = examined(version);
    expect({ verdict, codes: checked.map(codeOf) }).toEqual({
      verdict: 'other-rules',
      codes: checked.map(() => 'certificate-other-rules'),
    });
    for (const { outcome } of checked) {
      if (outcome.kind === 'refused') throw new Error(outcome.code);
      const { proved, trusted } = outcome.value;
      expect(proved.join()).not.toContain('of the policy in force matched');
      expect(trusted.join()).toContain(`decided by rules of version ${version}`);
    }
  });
});
