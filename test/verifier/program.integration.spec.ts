// The verifier as the program that an auditor runs: its words and its exit codes, over the test vectors. What it judges is
// under test beside it.

import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { compileProgram } from '../../devnet/compile-program.js';
import { repositoryRoot } from '../../devnet/paths.js';

const VECTORS = join(repositoryRoot, 'verifier', 'vectors');
const genesis = readFileSync(join(VECTORS, 'deployment.txt'), 'utf8').trim();

let program: string;
beforeAll(async () => {
  program = await compileProgram('verifier/main.ts');
});

function run(...args: readonly string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [program, ...args], {
    cwd: VECTORS,
    encoding: 'utf8',
    env: {},
  });
  return { status, stdout, stderr };
}

const about = ['--genesis', genesis, '--log', 'governance.json'];

describe('the verifier', () => {
  it('proves a whole deployment, and says what it takes on trust', () => {
    const { status, stdout, stderr } = run('all.jsonl', ...about, '--whole');
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toContain('no signature is hidden');
    expect(stdout).toContain('taken on trust:');
    expect(stdout.trimEnd().split('\n').at(-1)).toBe('PROVED');
  });

  it('takes several files for one, and the genesis entry for its hash', () => {
    const files = ['approved-payment.jsonl', 'fee-bump.jsonl'];
    const { status, stdout } = run(...files, '--genesis', 'genesis.json', '--log', 'governance.json');
    expect(status).toBe(0);
    expect(stdout).toContain('reservations 1 to 2 follow each other without a gap');
  });

  it.each([
    [1, 'other-approvers.jsonl', 'certificate-decision-mismatch'],
    [2, 'with-a-blank.jsonl', 'MALFORMED'],
    [4, 'other-deployment.jsonl', 'MISMATCH'],
    [8, 'without-one.jsonl', 'reservation 4: something may have been signed there'],
    [8, 'with-one-outdated.jsonl', 'it may have been signed between the two'],
    [9, 'not-attested.jsonl', 'the signer has not attested it yet'],
    [10, 'other-rules.jsonl', 'OTHER RULES'],
  ])('ends with %i for %s', (code, file, words) => {
    const { status, stdout } = run(file, ...about, ...(code === 8 ? ['--whole'] : []));
    expect(status).toBe(code);
    expect(stdout).toContain(words);
  });

  it('reports for a program', () => {
    const { status, stdout } = run('other-rule.jsonl', 'ether.jsonl', ...about, '--json');
    expect(status).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({
      verdict: 'refused',
      certificates: [
        { valid: false, code: 'certificate-decision-mismatch' },
        { valid: true, ordinal: 3, outcome: 'signed' },
      ],
    });
  });

  it('says what is wrong with a governance log', () => {
    const log = ['--genesis', genesis, '--log'];
    expect(run('all.jsonl', ...log, 'formatted.json').stderr).toContain('is no governance log: entry 0');
    expect(run('all.jsonl', ...log, 'all.jsonl').stderr).toContain('is no governance log: it is not JSON');
  });

  it('prints the schema', () => {
    const { status, stdout } = run('--schema');
    expect(status).toBe(0);
    expect(stdout).toBe(readFileSync(join(VECTORS, '..', 'certificate.schema.json'), 'utf8'));
  });

  it.each([
    ['a file that is not there', ['nowhere.jsonl', ...about]],
    ['no file', about],
    ['no log', ['all.jsonl', '--genesis', genesis]],
    ['a log that is none', ['all.jsonl', '--genesis', genesis, '--log', 'all.jsonl']],
    ['a genesis that is none', ['all.jsonl', '--genesis', 'all.jsonl', '--log', 'governance.json']],
    ['something else', ['all.jsonl', ...about, '--trust-me']],
  ])('ends with 2 for %s, and says so on the error output', (_title, args) => {
    const { status, stdout, stderr } = run(...args);
    expect(status).toBe(2);
    expect(stdout).toBe('');
    expect(stderr).not.toBe('');
  });
});
