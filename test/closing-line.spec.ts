// The line that people and CI read at the end of a test run says what happened, and says so last.

import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { repositoryRoot } from '../devnet/paths.js';

const PASSING = "test('adds', () => { expect(1 + 1).toBe(2); });";
const FAILING = "test('adds wrongly', () => { expect(1 + 1).toBe(3); });";
const SKIPPED = "test.skip('asks a node that is not there', () => {});";
const BROKEN = "require('./nowhere');";

describe('the closing line of a test run', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'portcullis-closing-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it('counts what passed, and the run succeeds', () => {
    const { status, last } = runSuites([PASSING, `${PASSING}\n${PASSING}`]);
    expect({ status, last }).toEqual({ status: 0, last: '3 passed, 0 failed' });
  });

  it('counts what failed, and the run fails', () => {
    const { status, last } = runSuites([PASSING, FAILING]);
    expect({ status, last }).toEqual({ status: 1, last: '1 passed, 1 failed' });
  });

  it('counts a suite that could not run as failed', () => {
    const { status, last } = runSuites([PASSING, BROKEN]);
    expect({ status, last }).toEqual({ status: 1, last: '1 passed, 1 failed' });
  });

  it('counts what was skipped, and names it above', () => {
    const { status, last, output } = runSuites([`${PASSING}\n${SKIPPED}`]);
    expect({ status, last }).toEqual({ status: 0, last: '1 passed, 0 failed, 1 skipped' });
    expect(output).toContain('○ asks a node that is not there');
  });

  it('fails a run in which every test was skipped', () => {
    const { status, last } = runSuites([SKIPPED]);
    expect({ status, last }).toEqual({ status: 1, last: '0 passed, 0 failed, 1 skipped' });
  });

  it('leaves the line in a file for whoever runs other checks afterwards', () => {
    const { last } = runSuites([PASSING]);
    expect(readFileSync(join(folder, '.portcullis', 'test-closing-line'), 'utf8')).toBe(`${last}\n`);
  });

  function runSuites(suites: readonly string[]): { status: number | null; last: string; output: string } {
    mkdirSync(join(folder, 'suites'));
    suites.forEach((text, index) => {
      writeFileSync(join(folder, 'suites', `${index}.spec.js`), text);
    });
    const config = {
      rootDir: folder,
      testMatch: ['**/*.spec.js'],
      transform: {},
      reporters: ['default', join(repositoryRoot, 'scripts', 'closing-line-reporter.mjs')],
    };
    const jest = join(repositoryRoot, 'node_modules', 'jest', 'bin', 'jest.js');
    const args = [jest, '--config', JSON.stringify(config), '--runInBand'];
    const run = spawnSync(process.execPath, args, { encoding: 'utf8', cwd: folder });
    const output = run.stdout;
    return { status: run.status, last: output.trimEnd().split('\n').at(-1) ?? '', output };
  }
});
