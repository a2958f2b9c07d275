import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { entryHash } from '../core/governance/entry.js';
import { genesis } from './cli.fixture.js';
import { EXIT } from './exit.js';
import { exitOf, verifyFiles } from './verify.command.js';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'portcullis-verify-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** A certificate of its form, whose content is of no deployment. */
const certificate = {
  type: 'portcullis/certificate/v1',
  deploymentId: 'ab'.repeat(32),
  signerVersion: '0.1.0',
  journalSequence: 1,
  journalHash: 'ab'.repeat(32),
  governanceSequence: 0,
  governanceHead: 'ab'.repeat(32),
  policyHash: 'ab'.repeat(32),
  decidedAtMs: 1_700_000_000_000,
  tokenSerial: '1',
  order: { wallet: 'hot-btc', transaction: { kind: 'eip1559', hex: '02' }, transfers: [] },
  decisions: [],
  burials: [],
  signedTransaction: '02',
  transactionId: 'ab',
};

function verified(content: unknown) {
  const file = join(folder, `${Math.random()}.json`);
  writeFileSync(file, JSON.stringify(content));
  const checked = verifyFiles([file], [genesis], entryHash(genesis.body));
  return {
    exit: exitOf(checked),
    codes: checked.map(({ outcome }) => (outcome.kind === 'refused' ? outcome.code : 'valid')),
  };
}

describe('verify', () => {
  it('ends with 4 for a certificate of another deployment, in whatever file it comes', () => {
    const expected = { exit: EXIT.mismatch, codes: ['certificate-other-deployment'] };
    expect(verified(certificate)).toEqual(expected);
    expect(verified([certificate])).toEqual(expected);
    expect(verified({ transferId: 'tr-1', certificates: [certificate] })).toEqual(expected);
  });

  it('ends with 4 when the log is shorter than the certificate needs', () => {
    const ours = { ...certificate, deploymentId: entryHash(genesis.body), governanceSequence: 3 };
    expect(verified(ours)).toEqual({ exit: EXIT.mismatch, codes: ['certificate-log-too-short'] });
  });

  it('ends with 1 for what is no certificate, also beside others', () => {
    expect(verified({ type: 'something' })).toEqual({ exit: EXIT.refused, codes: ['certificate-malformed'] });
    expect(verified([certificate, {}]).exit).toBe(EXIT.refused);
  });
});
