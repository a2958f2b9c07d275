// How the signer ends when it does not start: what systemd goes by. Started again by itself it would spend a token's few
// tries on a PIN that was refused.

import { spawnSync } from 'node:child_process';
import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { compileProgram } from '../../devnet/compile-program.js';
import { bareEnvironment } from '../../devnet/process.js';
import { Deployment } from '../../devnet/deployment.js';
import type { SignerConfig } from '../../src/signer/config.js';

const TRY_AGAIN = 1;
const LOOK_FIRST = 3;

let deployment: Deployment;
let program: string;

beforeAll(async () => {
  deployment = await Deployment.create();
  program = await compileProgram('src/signer/main.ts');
});
afterAll(() => deployment.destroy());

/** Exit code and the code of the last line of its log. */
function started(config: SignerConfig | string): { readonly exit: number | null; readonly code: string } {
  const path = join(deployment.directory, 'signer.yaml');
  writeFileSync(path, typeof config === 'string' ? config : JSON.stringify(config), { mode: 0o600 });
  const { status, stdout } = spawnSync(process.execPath, [program, 'serve', '--config', path], {
    encoding: 'utf8',
    env: bareEnvironment(),
    timeout: 40_000,
  });
  const code = /"event":"not-started","code":"([a-z-]+)"/.exec(stdout)?.[1] ?? stdout;
  return { exit: status, code };
}

describe('a signer that does not start', () => {
  it('is not to be started again by itself after a refused PIN', () => {
    const pinFile = join(deployment.directory, 'wrong-pin');
    writeFileSync(pinFile, '000000\n', { mode: 0o600 });
    const token = { ...deployment.tokenConfig(), pin: { kind: 'file' as const, path: pinFile } };
    const config = { ...deployment.config(), tokens: { treasury: token } };
    expect(started(config)).toEqual({ exit: LOOK_FIRST, code: 'login-failed' });
  });

  it('is not to be started again by itself without its store, or on a wrong configuration', () => {
    renameSync(join(deployment.directory, 'signer.db'), join(deployment.directory, 'away.db'));
    expect(started(deployment.config())).toEqual({ exit: LOOK_FIRST, code: 'store-missing' });
    renameSync(join(deployment.directory, 'away.db'), join(deployment.directory, 'signer.db'));
    expect(started('storePath: 7\n')).toEqual({ exit: LOOK_FIRST, code: 'configuration-invalid' });
  });

  it('may be started again by itself when the token is not there yet', () => {
    const token = { ...deployment.tokenConfig(), tokenLabel: 'not-plugged-in', startDeadlineMs: 3_000 };
    const config = { ...deployment.config(), tokens: { treasury: token } };
    expect(started(config)).toEqual({ exit: TRY_AGAIN, code: 'token-gone' });
  });
});
