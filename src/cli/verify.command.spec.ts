import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Certificate } from '../core/certificates/certificate.js';
import { entryHash } from '../core/governance/entry.js';
import { type CanonicalValue, canonicalJson } from '../core/statements/canonical-json.js';
import { exampleCertificate } from '../orchestrator/http/examples.js';
import { genesis } from './cli.fixture.js';
import { EXIT } from './exit.js';
import { exitOn } from './verify.command.js';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'portcullis-verify-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** A certificate of its form, whose content is of no deployment. */
const { attestation: _, ...certificate }: Certificate = exampleCertificate;

const line = (value: CanonicalValue) => `${canonicalJson(value)}\n`;

function verified(...texts: readonly string[]) {
  const files = texts.map((text, index) => {
    const file = join(folder, `${index}.json`);
    writeFileSync(file, text);
    return file;
  });
  const { checked, exit } = exitOn(files, [genesis], entryHash(genesis.body));
  return {
    exit,
    codes: checked.map(({ outcome }) => (outcome.kind === 'refused' ? outcome.code : 'valid')),
  };
}

describe('verify', () => {
  const [transfer] = certificate.reservation.transfers;
  const transferId = transfer?.decision.transferId ?? '';

  it('ends with 4 for a certificate of another deployment, in whatever file it comes', () => {
    const code = 'certificate-other-deployment';
    expect(verified(line(certificate))).toEqual({ exit: EXIT.mismatch, codes: [code] });
    expect(verified(line(certificate) + line(certificate))).toEqual({
      exit: EXIT.mismatch,
      codes: [code, code],
    });
    expect(verified(canonicalJson({ transferId, certificates: [certificate] }))).toEqual({
      exit: EXIT.mismatch,
      codes: [code],
    });
  });

  it('ends with 4 when the log is shorter than the certificate needs', () => {
    const ours = { ...certificate, deploymentId: entryHash(genesis.body) };
    expect(verified(line(ours))).toEqual({ exit: EXIT.mismatch, codes: ['certificate-log-too-short'] });
  });

  it('ends with 1 for what does not hold, also beside others', () => {
    const reservation = { ...certificate.reservation, governanceSequence: 0 };
    const wrong = { ...certificate, deploymentId: entryHash(genesis.body), reservation };
    expect(verified(line(wrong), line(certificate))).toEqual({
      exit: EXIT.refused,
      codes: ['certificate-governance-mismatch', 'certificate-other-deployment'],
    });
  });

  it.each([
    ['nothing', ''],
    ['no JSON', '{'],
    ['something else', line({ type: 'something' })],
    ['an empty line between two', `${line(certificate)}\n${line(certificate)}`],
    ['a certificate with blanks in it', JSON.stringify(certificate, undefined, 2)],
    ['a certificate in another order', JSON.stringify(certificate)],
    [
      'an answer with blanks in it',
      JSON.stringify({ transferId, certificates: [certificate] }, undefined, 1),
    ],
    ['an answer in another order', JSON.stringify({ transferId, certificates: [certificate] })],
    ['an answer without certificates', canonicalJson({ transferId, certificates: [] })],
    ['an answer with something more', canonicalJson({ transferId, certificates: [certificate], more: 1 })],
    [
      'an answer nested without end',
      `{"certificates":${'['.repeat(200_000)}${']'.repeat(200_000)},"transferId":"x"}`,
    ],
    [
      'an answer nested without end, in another order',
      `{"transferId":"x","certificates":${'['.repeat(200_000)}`,
    ],
    ['a line nested without end', '['.repeat(200_000) + ']'.repeat(200_000)],
  ])('ends with 2 for %s', (_title, text) => {
    const { exit, codes } = verified(text);
    expect(exit).toBe(EXIT.usage);
    expect(codes).toContain('certificate-malformed');
  });

  it.each<[string, string, object]>([
    [
      'a certificate that somebody has formatted',
      JSON.stringify(certificate, undefined, 2),
      { why: 'JSON over several lines: a certificate is one line, as it was saved, and not formatted' },
    ],
    [
      'what is no JSON at all',
      'a\nb\nc\n',
      { why: 'no line of it is JSON: a certificate is one line, as it was saved' },
    ],
    [
      'a field that no certificate has',
      line({ ...certificate, more: 1 }),
      { where: 'the certificate itself', why: 'it has no ["more"]' },
    ],
    [
      'a field of the reservation that none has',
      line({ ...certificate, reservation: { ...certificate.reservation, more: 1 } }),
      { where: 'reservation', why: 'it has no ["more"]' },
    ],
  ])('says once what is wrong with %s', (_title, text, facts) => {
    const file = join(folder, 'wrong.json');
    writeFileSync(file, text);
    const { checked } = exitOn([file], [genesis], entryHash(genesis.body));
    expect(checked.map(({ outcome }) => (outcome.kind === 'refused' ? outcome.facts : 'valid'))).toEqual([
      facts,
    ]);
  });
});
