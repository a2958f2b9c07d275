// The systemd units: they name what is there, and their sandbox is as tight as it says. systemd itself judges, where
// the machine has its tools; that a unit then runs is for a machine that systemd has started.

import { spawnSync } from 'node:child_process';
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from '@jest/globals';
import { repositoryRoot } from '../../devnet/paths.js';

const folder = join(repositoryRoot, 'packaging', 'systemd');
const PROGRAMS = ['signer', 'orchestrator', 'watcher'] as const;
/** In tenths, as `systemd-analyze security --threshold` takes it: 17 is 1.7, where 10 is wide open. */
const MOST_EXPOSED = { signer: 14, orchestrator: 17, watcher: 17 } as const;
const INSTALLED_NODE = '/opt/portcullis/node/bin/node';

const version = spawnSync('systemd-analyze', ['--version'], { encoding: 'utf8' });
const hasTool = version.status === 0;
const judged = hasTool ? it : it.skip;
const without = hasTool ? '' : ' (skipped: no systemd-analyze here)';

const places: string[] = [];
afterAll(() => {
  for (const place of places) rmSync(place, { recursive: true, force: true });
});

const read = (name: string) => readFileSync(join(folder, name), 'utf8');
const unit = (program: string) => `portcullis-${program}.service`;

/** All values of a setting, without the comments. */
function values(text: string, setting: string): string[] {
  return text
    .split('\n')
    .filter((line) => line.startsWith(`${setting}=`))
    .map((line) => line.slice(setting.length + 1));
}

/** The unit as it would stand installed, but with a Node.js that this machine has. */
function installed(
  program: string,
  dropIns: readonly string[] = [],
  change = (text: string) => text,
): string {
  const place = mkdtempSync(join(tmpdir(), 'portcullis-units-'));
  places.push(place);
  const path = join(place, unit(program));
  writeFileSync(path, change(read(unit(program)).replaceAll(INSTALLED_NODE, process.execPath)));
  if (dropIns.length > 0) mkdirSync(`${path}.d`);
  for (const name of dropIns) copyFileSync(join(folder, 'drop-ins', name), join(`${path}.d`, name));
  return path;
}

function analyze(...args: string[]) {
  const { status, stdout, stderr } = spawnSync('systemd-analyze', args, { encoding: 'utf8' });
  return { status, said: `${stdout}${stderr}` };
}

const security = (program: (typeof PROGRAMS)[number], path: string) =>
  analyze('security', '--offline=true', `--threshold=${MOST_EXPOSED[program]}`, '--no-pager', path);

describe.each(PROGRAMS)('the unit of the %s', (program) => {
  judged(`is one that systemd takes, without a warning${without}`, () => {
    expect(analyze('verify', installed(program))).toEqual({ status: 0, said: '' });
  });

  judged(`exposes at most ${MOST_EXPOSED[program] / 10} of 10${without}`, () => {
    const { status, said } = security(program, installed(program));
    expect(said).toContain('Overall exposure level');
    expect(status).toBe(0);
  });

  judged(`would be found out with a weaker sandbox${without}`, () => {
    const weaker = (text: string) =>
      text.replace(/^(ProtectSystem|SystemCallFilter|CapabilityBoundingSet)=.*\n/gm, '');
    expect(security(program, installed(program, [], weaker)).status).not.toBe(0);
  });

  it('starts what the build makes, on the section that its own user may read', () => {
    const [command = ''] = values(read(unit(program)), 'ExecStart');
    expect(command.split(' ')[0]).toBe(INSTALLED_NODE);
    expect(command).toContain(` /opt/portcullis/dist/src/${program}/main.js `);
    expect(command).toContain(` --config /etc/portcullis/${program}/portcullis.yaml`);
    expect(readFileSync(join(repositoryRoot, 'src', program, 'main.ts'), 'utf8')).toContain('--config FILE');
    expect(values(read('tmpfiles.conf').replaceAll(/^d /gm, 'd='), 'd').join('\n')).toMatch(
      new RegExp(`^/etc/portcullis/${program} +0750 root portcullis-${program} `, 'm'),
    );
  });

  it('runs as a user of its own, and does not claim a watchdog that it does not have', () => {
    const text = read(unit(program));
    expect(values(text, 'User')).toEqual([`portcullis-${program}`]);
    expect(read('sysusers.conf')).toMatch(new RegExp(`^u portcullis-${program} `, 'm'));
    expect(values(text, 'WatchdogSec')).toEqual([]);
    expect(values(text, 'Type')).toEqual(['exec']);
    expect(values(text, 'CapabilityBoundingSet')).toEqual(['']);
  });
});

describe.each(['signer', 'watcher'] as const)('the %s', (program) => {
  it('is not started again where a person has to look first', () => {
    const text = read(unit(program));
    const ending = readFileSync(join(repositoryRoot, 'src', 'platform', 'program.ts'), 'utf8');
    const [code] = values(text, 'RestartPreventExitStatus');
    expect(ending).toContain(`const EXIT_LOOK_FIRST = ${code};`);
    expect(readFileSync(join(repositoryRoot, 'src', program, 'main.ts'), 'utf8')).toContain('run(log, main');
    expect(values(text, 'Restart')).toEqual(['on-failure']);
  });
});

describe('the signer', () => {
  const text = read(unit('signer'));

  it('has no network, and a door whose group holds nothing else', () => {
    expect(values(text, 'PrivateNetwork')).toEqual(['yes']);
    expect(values(text, 'RestrictAddressFamilies')).toEqual(['AF_UNIX']);
    expect(values(text, 'Group')).toEqual(['portcullis-door']);
    expect(values(text, 'RuntimeDirectoryMode')).toEqual(['0750']);
    expect(values(read(unit('orchestrator')), 'SupplementaryGroups')).toEqual(['portcullis-door']);
    expect(values(read(unit('orchestrator')), 'LoadCredential')).toEqual([]);
  });

  judged.each(readdirSync(join(folder, 'drop-ins')))(
    `is taken by systemd with the drop-in %s${without}`,
    (name) => {
      expect(analyze('verify', installed('signer', [name]))).toEqual({ status: 0, said: '' });
    },
  );
});
