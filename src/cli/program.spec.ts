import { readFileSync } from 'node:fs';
import { PassThrough } from 'node:stream';
import { describe, expect, it } from '@jest/globals';
import type { Command } from 'commander';
import { EXIT } from './exit.js';
import { portcullis } from './program.js';
import { Terminal } from './terminal.js';

function program() {
  const output = new PassThrough();
  const errors = new PassThrough();
  const terminal = new Terminal({ input: new PassThrough(), output, errors }, {});
  return {
    cli: portcullis(terminal, {}),
    said: () => ({ output: String(output.read() ?? ''), errors: String(errors.read() ?? '') }),
  };
}

async function run(argv: readonly string[]) {
  const { cli, said } = program();
  const exit = await cli.run(argv);
  return { exit, ...said() };
}

function pathsUnder(command: Command, path: readonly string[] = []): string[][] {
  return command.commands.flatMap((one) => {
    const here = [...path, one.name()];
    return one.commands.length === 0 ? [here] : pathsUnder(one, here);
  });
}

function groupsUnder(command: Command, path: readonly string[] = []): string[][] {
  return command.commands.flatMap((one) => {
    const here = [...path, one.name()];
    return one.commands.length === 0 ? [] : [here, ...groupsUnder(one, here)];
  });
}

const { program: root } = program().cli;
const commands = pathsUnder(root).map((path) => [path.join(' '), path] as const);
const groups = [[] as string[], ...groupsUnder(root)].map(
  (path) => [['portcullis', ...path].join(' '), path] as const,
);

describe('portcullis', () => {
  it('has the commands that officers, backends and operators need', () => {
    expect(commands.map(([name]) => name)).toEqual(
      expect.arrayContaining([
        'request',
        'list',
        'show',
        'follow',
        'approve',
        'reject',
        'status',
        'verify',
        'keys generate',
        'keys list',
        'keys request-key generate',
        'ceremony genesis',
        'governance propose',
      ]),
    );
  });

  it.each(commands)('%s has help with an example, and answers programs in JSON', async (name, path) => {
    const { exit, output } = await run([...path, '--help']);
    expect(exit).toBe(EXIT.ok);
    expect(output).toContain(`Usage: portcullis ${name}`);
    expect(output).toContain(`Example:\n  $ portcullis ${name}`);
    expect(output).toContain('--json');

    const mistaken = await run([...path, '--json', '--no-such-option']);
    expect(mistaken).toMatchObject({ exit: EXIT.usage, output: '' });
    expect(JSON.parse(mistaken.errors)).toMatchObject({ error: { code: 'arguments-invalid' } });
  });

  it.each(groups)('%s names its commands in its help', async (_name, path) => {
    const { exit, output } = await run([...path, '--help']);
    expect(exit).toBe(EXIT.ok);
    const within = commands.filter(([, one]) => path.every((part, at) => one[at] === part));
    for (const [, one] of within) expect(output).toContain(one[path.length]);
  });

  it.each(commands)('%s stands in docs/cli.md', (_name, path) => {
    const page = readFileSync(new URL('../../docs/cli.md', import.meta.url), 'utf8');
    const row = page
      .split('\n')
      .find((line) => line.startsWith('| `') && path.every((word) => line.includes(word)));
    expect(row).toBeDefined();
  });
});
