// The configuration file as people write it: the published example and schema, `portcullis config check` on good files
// and bad ones, and programs that refuse a file which others can write.

import { spawnSync } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { parse, stringify } from 'yaml';
import { z } from 'zod';
import { Authorities } from '../../devnet/authorities.js';
import { compileProgram } from '../../devnet/compile-program.js';
import { bareEnvironment } from '../../devnet/process.js';
import { repositoryRoot } from '../../devnet/paths.js';
import { cliConfig } from '../../src/cli/cli-config.js';
import { wholeSchema } from '../../src/cli/config.commands.js';
import { checkConfiguration } from '../../src/orchestrator/config/check.js';
import { configuration } from '../../src/orchestrator/config/settings.js';
import { ConfigurationFile } from '../../src/platform/configuration-file.js';
import { checkConfig } from '../../src/signer/check-config.js';
import { signerConfig } from '../../src/signer/config.js';
import { watcherConfig } from '../../src/watcher/config.js';

const packaging = join(repositoryRoot, 'packaging', 'config');
const DEPLOYMENT = 'ab'.repeat(32);
const MODULE = '/usr/lib/softhsm/libsofthsm2.so';
const isRoot = process.getuid?.() === 0;

let place: string;
let made: Authorities;
let command: string;
let programs: { readonly signer: string; readonly orchestrator: string };

const sound = z.object({
  file: z.string(),
  sections: z.array(z.string()),
  sound: z.boolean(),
  mistakes: z.array(
    z.object({ severity: z.string(), at: z.string(), line: z.int().nullable(), problem: z.string() }),
  ),
});

beforeAll(async () => {
  place = mkdtempSync(join(tmpdir(), 'portcullis-configuration-'));
  mkdirSync(join(place, 'tls'));
  made = new Authorities(join(place, 'tls'));
  made.found('authority');
  made.issue('signer', 'authority', { usage: 'serverAuth' });
  made.issue('other', 'authority', { usage: 'serverAuth' });
  made.issue('late', 'authority', { usage: 'serverAuth', days: -1 });
  for (const name of ['signer', 'other', 'late']) chmodSync(made.path(`${name}.key`), 0o600);
  write('pin', '987654\n', 0o600);
  write('password', 'x\n', 0o640);
  command = await compileProgram('src/cli/main.ts');
  const build = command.slice(0, -'src/cli/main.js'.length);
  programs = {
    signer: join(build, 'src/signer/main.js'),
    orchestrator: join(build, 'src/orchestrator/main.js'),
  };
});
afterAll(() => rmSync(place, { recursive: true, force: true }));

function write(name: string, text: string, mode = 0o644): string {
  const path = join(place, name);
  writeFileSync(path, text);
  chmodSync(path, mode);
  return path;
}

const orchestrator = () => ({
  deploymentId: DEPLOYMENT,
  database: { url: 'postgres://portcullis@127.0.0.1/portcullis', passwordFile: join(place, 'password') },
  signer: { socket: join(place, 'signer.sock') },
});
const signer = () => ({
  deploymentId: DEPLOYMENT,
  listen: { kind: 'unix', path: join(place, 'signer.sock') },
  storePath: join(place, 'store.db'),
  anchorToken: 'treasury',
  tokens: {
    treasury: { modulePath: MODULE, tokenLabel: 'treasury', pin: { kind: 'file', path: join(place, 'pin') } },
  },
});
const tls = (name: string, key = name) => ({
  kind: 'tls',
  host: '127.0.0.1',
  port: 7431,
  certificateFile: made.path(`${name}.pem`),
  keyFile: made.path(`${key}.key`),
  clientAuthorityFile: made.path('authority.pem'),
});

function run(program: string, args: readonly string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--no-deprecation', program, ...args], {
    encoding: 'utf8',
    env: bareEnvironment(),
    timeout: 60_000,
  });
  return { exit: status, stdout, stderr };
}

function check(content: unknown, name = 'portcullis.yaml') {
  const path = write(name, typeof content === 'string' ? content : stringify(content));
  const { exit, stdout, stderr } = run(command, ['config', 'check', path, '--json']);
  if (stdout === '') throw new Error(`no answer: ${stderr}`);
  return { exit, ...sound.parse(JSON.parse(stdout)) };
}

type Told = readonly { readonly severity: string; readonly at: string; readonly problem: string }[];

/** What each program finds, without a process of its own. */
const signerFinds = (content: unknown): Told => checkConfig(write('s.yaml', stringify(content)), Date.now());
const orchestratorFinds = (content: unknown): Told =>
  checkConfiguration(write('o.yaml', stringify(content)), Date.now());
/** What the command line finds beside that. */
const commandFinds = (content: unknown): Told => check(content).mistakes;

describe('what is published', () => {
  const example = readFileSync(join(packaging, 'portcullis.example.yaml'), 'utf8');

  it('is an example that every program takes as it stands', () => {
    const file = ConfigurationFile.parse(example);
    expect(file.sections()).toEqual(['orchestrator', 'signer', 'watcher', 'cli']);
    expect(() => file.section('orchestrator').parsed(configuration)).not.toThrow();
    expect(() => file.section('signer').parsed(signerConfig)).not.toThrow();
    expect(() => file.section('watcher').parsed(watcherConfig)).not.toThrow();
    expect(() => file.section('cli').parsed(cliConfig)).not.toThrow();
  });

  it('has only files missing on a machine that it was not written for', () => {
    const { mistakes } = check(example, 'example.yaml');
    const others = mistakes.filter(({ problem }) => !problem.includes(' is not there'));
    expect(others).toEqual([]);
  });

  it('is the schema that the programs go by (`portcullis config schema`)', () => {
    const published: unknown = JSON.parse(readFileSync(join(packaging, 'portcullis.schema.json'), 'utf8'));
    expect(published).toEqual(
      JSON.parse(
        JSON.stringify(
          wholeSchema({
            orchestrator: z.toJSONSchema(configuration, { io: 'input', unrepresentable: 'any' }),
            signer: z.toJSONSchema(signerConfig, { io: 'input' }),
            watcher: z.toJSONSchema(watcherConfig, { io: 'input' }),
            cli: z.toJSONSchema(cliConfig, { io: 'input' }),
          }),
        ),
      ),
    );
    const printed = run(command, ['config', 'schema', '--json']);
    expect(JSON.parse(printed.stdout)).toEqual(published);
  });
});

describe('docs/configuration.md', () => {
  const page = readFileSync(join(repositoryRoot, 'docs', 'configuration.md'), 'utf8');

  it('has examples for the signer that are taken as they stand, and names every setting', () => {
    const examples = [...page.matchAll(/```yaml\n(signer:\n[\s\S]*?)```/g)].map(([, text]) => text ?? '');
    expect(examples).toHaveLength(2);
    for (const text of examples) {
      expect(() => ConfigurationFile.parse(text).section('signer').parsed(signerConfig)).not.toThrow();
    }
    const names = [...JSON.stringify(z.toJSONSchema(signerConfig, { io: 'input' })).matchAll(/"(\w+)":\{/g)]
      .map(([, name]) => name ?? '')
      .filter((name) => !/^(properties|items|propertyNames|additionalProperties)$/.test(name));
    expect(names.filter((name) => !page.includes(name))).toEqual([]);
  });

  it('has an example for the watcher that is taken as it stands, and names every setting', () => {
    const [text = ''] = [...page.matchAll(/```yaml\n(watcher:\n[\s\S]*?)```/g)].map(([, one]) => one ?? '');
    const settings = ConfigurationFile.parse(text).section('watcher').parsed(watcherConfig);
    expect(settings.listen).toEqual({ host: '127.0.0.1', port: 7440 });
    const names = [...JSON.stringify(z.toJSONSchema(watcherConfig, { io: 'input' })).matchAll(/"(\w+)":\{/g)]
      .map(([, name]) => name ?? '')
      .filter((name) => !/^(properties|items|propertyNames|additionalProperties)$/.test(name));
    expect(names.filter((name) => !page.includes(name))).toEqual([]);
  });
});

describe('portcullis config check', () => {
  it('finds nothing wrong with sections that fit, and with each as a file of its own', () => {
    const both = check({ orchestrator: orchestrator(), signer: signer() });
    expect(both).toMatchObject({ exit: 0, sound: true, sections: ['orchestrator', 'signer'], mistakes: [] });
    expect(check(signer())).toMatchObject({ exit: 0, sections: ['signer'], mistakes: [] });
    expect(check(orchestrator())).toMatchObject({ exit: 0, sections: ['orchestrator'], mistakes: [] });
    expect(check({ api: 'http://127.0.0.1:7430' })).toMatchObject({
      exit: 0,
      sections: ['cli'],
      mistakes: [],
    });
  });

  it('names path and line', () => {
    const settings = stringify(signer()).replace('treasury:\n', 'treasury:\n    sesions: 4\n');
    const text = `signer:\n${settings.trimEnd().replaceAll(/^/gm, '  ')}\n`;
    const line = text.split('\n').findIndex((one) => one.includes('sesions')) + 1;
    const { exit, mistakes } = check(text);
    expect(exit).toBe(2);
    expect(mistakes).toEqual([
      { severity: 'error', at: 'signer.tokens.treasury', line, problem: 'unknown setting sesions' },
    ]);
    const shown = run(command, ['config', 'check', join(place, 'portcullis.yaml')]);
    expect(shown.stdout).toContain(
      'portcullis.yaml:10: error: signer.tokens.treasury: unknown setting sesions',
    );
  });

  it('tells all that is wrong with the sections at once', () => {
    const wrong = {
      orchestrator: { ...orchestrator(), http: { port: 70_000 } },
      signer: { ...signer(), storePath: 7 },
    };
    expect(check(wrong).mistakes.map(({ at }) => at)).toEqual(['orchestrator.http.port', 'signer.storePath']);
  });

  it.each<readonly [string, () => Told, RegExp]>([
    [
      'programs of different deployments',
      () =>
        commandFinds({
          orchestrator: orchestrator(),
          signer: { ...signer(), deploymentId: 'cd'.repeat(32) },
        }),
      /^error signer\.deploymentId: another deployment/,
    ],
    [
      'an orchestrator that looks for the signer elsewhere',
      () => {
        const elsewhere = { ...orchestrator(), signer: { socket: '/run/other.sock' } };
        return commandFinds({ orchestrator: elsewhere, signer: signer() });
      },
      /^error orchestrator\.signer\.socket: the signer listens on another socket/,
    ],
    [
      'a PIN that others can read',
      () => {
        const token = {
          ...signer().tokens.treasury,
          pin: { kind: 'file', path: write('open-pin', '1\n', 0o640) },
        };
        return signerFinds({ signer: { ...signer(), tokens: { treasury: token } } });
      },
      /^error signer\.tokens\.treasury\.pin\.path: others can read .*chmod 600/,
    ],
    [
      'an anchor that is no token of the file',
      () => signerFinds({ ...signer(), anchorToken: 'vault' }),
      /^error anchorToken: tokens holds no vault; it holds treasury/,
    ],
    [
      'a module that is not one',
      () => {
        const token = {
          ...signer().tokens.treasury,
          modulePath: write('module.so', 'not ELF at all, only text'),
        };
        return signerFinds({ ...signer(), tokens: { treasury: token } });
      },
      /^error tokens\.treasury\.modulePath: .*is not a shared object/,
    ],
    [
      'a store in a folder that is not there',
      () => signerFinds({ ...signer(), storePath: join(place, 'nowhere', 'store.db') }),
      /^error storePath: .*nowhere is not there/,
    ],
    [
      'a key of another certificate',
      () => signerFinds({ ...signer(), listen: tls('signer', 'other') }),
      /^error listen\.keyFile: certificate-key-mismatch/,
    ],
    [
      'a certificate that has expired',
      () => signerFinds({ ...signer(), listen: tls('late') }),
      /^error listen\.certificateFile: certificate-expired/,
    ],
    [
      'a certificate that expires soon, as a warning',
      () => signerFinds({ ...signer(), listen: tls('signer') }),
      /^warning listen\.certificateFile: the certificate expires in 0 days/,
    ],
    [
      'a database password that others can read',
      () => {
        const passwordFile = write('open-password', 'x\n', 0o644);
        return orchestratorFinds({
          ...orchestrator(),
          database: { url: 'postgres://p@127.0.0.1/p', passwordFile },
        });
      },
      /^error database\.passwordFile: others can read/,
    ],
    [
      'a lease that ends before the signer must have answered, as a warning',
      () => orchestratorFinds({ ...orchestrator(), workers: { leaseMs: 20_000 } }),
      /^warning workers\.leaseMs: shorter than signer\.timeoutMs/,
    ],
    [
      'a backend’s request key that is not there',
      () => commandFinds({ cli: { requestKey: { id: 'exchange-1', file: 'exchange-1.pem' } } }),
      /^error cli\.requestKey\.file: .*exchange-1\.pem is not there/,
    ],
  ])('finds %s', (_what, finding, expected) => {
    const found = finding().map(({ severity, at, problem }) => `${severity} ${at}: ${problem}`);
    expect(found).toHaveLength(1);
    expect(found[0]).toMatch(expected);
  });

  it.each<readonly [string, unknown, string]>([
    ['a section of an unknown name', { orchestrator: {}, singer: {} }, 'configuration-invalid'],
    ['what is not YAML', 'orchestrator: [', 'configuration-malformed'],
    ['a setting twice', 'api: http://a\napi: http://b\n', 'configuration-malformed'],
  ])('ends with code 2 for %s', (_what, content, code) => {
    const path = write('bad.yaml', typeof content === 'string' ? content : stringify(content));
    const { exit, stderr } = run(command, ['config', 'check', path, '--json']);
    expect(exit).toBe(2);
    expect(JSON.parse(stderr)).toMatchObject({ error: { code } });
  });
});

describe('a configuration that others can write', () => {
  it('is refused by signer, orchestrator and check, before anything else', () => {
    const path = write('open.yaml', stringify({ orchestrator: orchestrator(), signer: signer() }), 0o664);
    for (const [program, args] of [
      [programs.signer, ['serve', '--config', path]],
      [programs.signer, ['check', '--config', path]],
      [programs.orchestrator, ['--config', path]],
      [command, ['config', 'check', path]],
    ] as const) {
      const { exit, stdout, stderr } = run(program, args);
      expect(exit).not.toBe(0);
      expect(`${stdout}${stderr}`).toContain('configuration-open-to-others');
    }
  });

  (isRoot ? it : it.skip)("is refused as well when it is somebody else's", () => {
    const path = write('foreign.yaml', stringify(signer()), 0o600);
    chownSync(path, 12_345, 12_345);
    const { stdout } = run(programs.signer, ['serve', '--config', path]);
    expect(stdout).toContain('configuration-open-to-others');
  });
});

describe("a program's own section", () => {
  it('is all that it needs: the signer does not look at the others', () => {
    const path = write('mixed.yaml', stringify({ orchestrator: { nonsense: true }, signer: signer() }));
    expect(run(programs.signer, ['check', '--config', path])).toMatchObject({ exit: 0 });
    expect(run(programs.orchestrator, ['check', '--config', path])).toMatchObject({ exit: 2 });
  });

  it('has to be there', () => {
    const path = write('lone.yaml', stringify({ cli: {}, orchestrator: orchestrator() }));
    const { exit, stdout } = run(programs.signer, ['check', '--config', path]);
    expect(exit).not.toBe(0);
    expect(stdout).toContain('there is no section signer; it has orchestrator and cli');
  });

  it('is what the command line reads of a file with sections', () => {
    const settings: unknown = parse(stringify({ cli: { api: 'http://127.0.0.1:1' }, signer: signer() }));
    const path = write('all.yaml', stringify(settings));
    const { stderr } = run(command, ['list', '--config', path, '--json']);
    expect(JSON.parse(stderr)).toMatchObject({ error: { code: 'setting-missing' } });
  });
});
