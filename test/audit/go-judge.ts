// Go's libraries for transparency logs, asked: a program of test/audit/go-judge, built where Go is, which reads one question
// and gives one answer.

import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe } from '@jest/globals';
import { z } from 'zod';
import { repositoryRoot } from '../../devnet/paths.js';

const LIBRARIES = '/usr/share/gocode';
export const hasGo =
  spawnSync('go', ['version']).status === 0 &&
  existsSync(join(LIBRARIES, 'src/golang.org/x/mod/sumdb/tlog/tlog.go'));
/** Tests that need it. */
export const judged = hasGo ? describe : describe.skip;
/** For the titles of tests. */
export const withoutGo = hasGo
  ? ''
  : ' (skipped: no Go with its x/mod here; npm run test:audit-go installs them)';

const base64 = z.string();
const answerSchema = z.object({
  Text: z.string(),
  Size: z.number(),
  Root: base64,
  TilesAgreed: z.number(),
  Notes: z.array(z.boolean()).nullable(),
  Inclusion: z.array(z.boolean()).nullable(),
  Consistency: z.array(z.boolean()).nullable(),
  OwnInclusion: z.array(z.array(base64).nullable()).nullable(),
  OwnConsistency: z.array(z.array(base64).nullable()).nullable(),
  Key: z.string(),
  Note: z.string(),
  Refused: z.array(z.string()).nullable(),
});
export type GoAnswer = z.infer<typeof answerSchema>;

export class GoJudge {
  /** `program` is where it is, for who asks it by itself. */
  private constructor(readonly program: string) {}

  /** Built in a folder, which is the caller's to remove. */
  static build(folder: string): GoJudge {
    const program = join(folder, 'judge');
    const source = join(repositoryRoot, 'test/audit/go-judge/main.go');
    const env = {
      ...process.env,
      GO111MODULE: 'off',
      GOPATH: LIBRARIES,
      GOCACHE: join(folder, 'cache'),
      GOFLAGS: '',
    };
    const { status, stderr } = spawnSync('go', ['build', '-o', program, source], { env, encoding: 'utf8' });
    if (status !== 0) throw new Error(`go build: ${stderr}`);
    return new GoJudge(program);
  }

  /** What it answers, or why the log is none for it. */
  asked(question: object): GoAnswer | string {
    const { status, stdout, stderr } = spawnSync(this.program, {
      input: JSON.stringify(question),
      encoding: 'utf8',
      maxBuffer: 64 * 1024 * 1024,
    });
    return status === 0 ? answerSchema.parse(JSON.parse(stdout)) : stderr.trim();
  }
}
