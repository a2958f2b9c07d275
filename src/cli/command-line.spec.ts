import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { accepted, refused } from '../core/fault.js';
import { CommandLine } from './command-line.js';
import { cliFault, EXIT } from './exit.js';
import { Terminal } from './terminal.js';

async function run(argv: readonly string[], environment: Record<string, string> = {}) {
  const output = new PassThrough();
  const errors = new PassThrough();
  const terminal = new Terminal({ input: new PassThrough(), output, errors }, environment);
  const cli = new CommandLine(terminal, environment, '9.9.9');
  const texts = { summary: 'does it', example: 'do it --times 3' };
  cli.add(
    cli.program,
    { usage: 'do <what>', ...texts },
    [['--times <n>', 'how often', '1']],
    z.object({ times: z.string().regex(/^[0-9]+$/, 'a number') }),
    async ({ options, config }, what = '') => {
      if (what === 'refused')
        return refused('policy-refused', { rule: 'hot/none', detail: 'The rule says no.' });
      if (what === 'unreachable') throw cliFault('api-unreachable', 'nobody answers');
      if (what === 'broken') throw new Error('a bug');
      return accepted({ lines: [`did ${what} ${options.times}`], json: { what, api: config.api ?? null } });
    },
  );
  const exit = await cli.run(argv);
  return { exit, output: String(output.read() ?? ''), errors: String(errors.read() ?? '') };
}

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'portcullis-cli-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

describe('the command line', () => {
  it('answers people with text and programs with one line of JSON', async () => {
    expect(await run(['do', 'this', '--times', '3'])).toMatchObject({
      exit: EXIT.ok,
      output: 'did this 3\n',
    });
    const { exit, output } = await run(['do', 'this', '--json']);
    expect([exit, JSON.parse(output)]).toEqual([EXIT.ok, { what: 'this', api: null }]);
  });

  it('ends with 1 and says code, facts and what to do when the rules say no', async () => {
    const { exit, errors, output } = await run(['do', 'refused']);
    expect([exit, output]).toEqual([EXIT.refused, '']);
    expect(errors).toContain('Refused: policy-refused');
    expect(errors).toContain('hot/none');
    expect(errors).toContain('The rule says no.');
  });

  it('gives errors as JSON on standard error when JSON is wanted', async () => {
    const { exit, errors } = await run(['do', 'unreachable', '--json']);
    expect(exit).toBe(EXIT.unreachable);
    expect(JSON.parse(errors)).toEqual({
      error: { code: 'api-unreachable', message: 'nobody answers', facts: {} },
    });
  });

  it('ends with 7 and no stack when something broke inside: no script is to take that for a refusal', async () => {
    const { exit, errors } = await run(['do', 'broken']);
    expect(exit).toBe(EXIT.unknown);
    expect(errors).toBe('Failed: internal · a bug\n');
  });

  it.each([
    [['dance']],
    [['do']],
    [['do', 'this', 'that']],
    [['do', 'this', '--loudly']],
    [['do', 'this', '--times', 'often']],
    [[]],
  ])('ends with 2 when it is called like this: %j', async (argv) => {
    const { exit, output, errors } = await run(argv);
    expect([exit, output]).toEqual([EXIT.usage, '']);
    expect(errors).not.toBe('');
  });

  it('names the option that is wrong', async () => {
    const { errors } = await run(['do', 'this', '--times', 'often']);
    expect(errors).toContain('--times: a number');
  });

  it('ends with 0 for help and version; every command has an example', async () => {
    expect(await run(['--version'])).toMatchObject({ exit: EXIT.ok, output: '9.9.9\n' });
    const { exit, output } = await run(['do', '--help']);
    expect(exit).toBe(EXIT.ok);
    expect(output).toContain('Example:\n  $ portcullis do it --times 3');
    expect(output).toContain('--json');
  });

  it('reads its settings from --config, or from the environment, and refuses ones that it does not know', async () => {
    const file = join(folder, 'good.yaml');
    writeFileSync(file, 'api: http://127.0.0.1:7430\n');
    const named = await run(['do', 'this', '--json', '--config', file]);
    expect(JSON.parse(named.output)).toMatchObject({ api: 'http://127.0.0.1:7430' });
    const inherited = await run(['do', 'this', '--json'], { PORTCULLIS_CLI_CONFIG: file });
    expect(JSON.parse(inherited.output)).toMatchObject({ api: 'http://127.0.0.1:7430' });

    const wrong = join(folder, 'wrong.yaml');
    writeFileSync(wrong, 'api: http://127.0.0.1:7430\npin: "1234"\n');
    expect(await run(['do', 'this', '--config', wrong])).toMatchObject({ exit: EXIT.usage });
    expect(await run(['do', 'this', '--config', join(folder, 'none.yaml')])).toMatchObject({
      exit: EXIT.usage,
    });
  });

  it('refuses settings that others can write: they choose which library is loaded and who is trusted', async () => {
    const file = join(folder, 'open.yaml');
    writeFileSync(file, 'api: http://127.0.0.1:7430\n');
    chmodSync(file, 0o664);
    const { exit, errors } = await run(['do', 'this', '--json', '--config', file]);
    expect(exit).toBe(EXIT.usage);
    expect(JSON.parse(errors)).toMatchObject({ error: { code: 'file-open-to-others' } });
    chmodSync(file, 0o644);
    expect(await run(['do', 'this', '--json', '--config', file])).toMatchObject({ exit: EXIT.ok });
  });
});
