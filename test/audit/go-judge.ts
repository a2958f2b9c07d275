// Go's libraries for transparency logs, built into a program that answers questions about one (go-judge/main.go). Whether this
// machine has them, and how it is built; who asks it what is for the tests.

import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe } from '@jest/globals';
import { repositoryRoot } from '../../devnet/paths.js';

const LIBRARIES = '/usr/share/gocode';
const hasGo =
  spawnSync('go', ['version']).status === 0 &&
  existsSync(join(LIBRARIES, 'src/golang.org/x/mod/sumdb/tlog/tlog.go'));
export const judged = hasGo ? describe : describe.skip;
export const without = hasGo
  ? ''
  : ' (skipped: no Go with its x/mod here; npm run test:audit-go installs them)';

/** Where the program is, built into this folder. */
export function buildJudge(folder: string): string {
  const judge = join(folder, 'judge');
  const source = join(repositoryRoot, 'test/audit/go-judge/main.go');
  const env = {
    ...process.env,
    GO111MODULE: 'off',
    GOPATH: LIBRARIES,
    GOCACHE: join(folder, 'cache'),
    GOFLAGS: '',
  };
  const { status, stderr } = spawnSync('go', ['build', '-o', judge, source], { env, encoding: 'utf8' });
  if (status !== 0) throw new Error(`go build: ${stderr}`);
  return judge;
}
