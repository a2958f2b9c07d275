// `portcullis config`: is a configuration file right, and what may stand in one. Each section is checked by the program
// that would run on it, as a process of its own: what is checked is what will be believed, and the command line knows
// neither program's settings. docs/decisions/0042 says why.

import { dirname, resolve } from 'node:path';
import { z } from 'zod';
import { accepted, type Outcome } from '../core/fault.js';
import { Checks } from '../platform/configuration-checks.js';
import {
  ConfigurationFile,
  type Mistake,
  SECTIONS,
  type SectionName,
} from '../platform/configuration-file.js';
import { configurationReport, isSound, reportLines } from '../platform/configuration-report.js';
import { cliConfig } from './cli-config.js';
import type { Answer, CommandLine } from './command-line.js';
import { cliFault, EXIT } from './exit.js';
import { bad, good, type Line, strong } from './lines.js';
import { ask, lastWords, type ProgramName, programOf } from './programs.js';

const ANSWER_WITHIN_MS = 30_000;

async function askProgram(name: ProgramName, path: string): Promise<readonly Mistake[]> {
  const told = (severity: Mistake['severity'], problem: string): Mistake[] => [
    { severity, at: name, line: null, problem },
  ];
  const program = programOf(name);
  if (program === undefined) {
    return told(
      'warning',
      `not checked: the ${name} is not installed here; on its host, \`${name} check --config FILE\``,
    );
  }
  const answered = await ask(program, ['check', '--config', path, '--json'], ANSWER_WITHIN_MS);
  try {
    return configurationReport.parse(JSON.parse(answered.output)).mistakes;
  } catch (cause) {
    // It could not even begin, and has said why in its own words.
    const line = lastWords(answered);
    if (line === '') throw cliFault('configuration-invalid', `the ${name} gave no answer`, {}, cause);
    return told('error', line);
  }
}

/** The command line's own section. Its paths are relative to the file. */
function checkOwn(file: ConfigurationFile, nowMs: number): readonly Mistake[] {
  const section = file.section('cli');
  const read = section.read(cliConfig);
  if ('mistakes' in read) return read.mistakes;
  const { token, requestKey, log } = read.settings;
  const checks = new Checks(section, nowMs);
  const from = (path: string) => resolve(dirname(file.path), path);
  if (log !== undefined) checks.file(['log'], from(log));
  if (token) checks.module(['token', 'module'], token.module);
  if (token?.pinFile !== undefined) checks.secret(['token', 'pinFile'], from(token.pinFile), { alone: true });
  if (requestKey) checks.secret(['requestKey', 'file'], from(requestKey.file), { alone: true });
  return checks.mistakes;
}

const settings = z.looseObject({
  deploymentId: z.string().optional(),
  deployment: z.string().optional(),
  signer: z.looseObject({ socket: z.string().optional(), port: z.number().optional() }).optional(),
  listen: z.looseObject({ path: z.string().optional(), port: z.number().optional() }).optional(),
});
const whole = z.looseObject({
  orchestrator: settings.optional(),
  signer: settings.optional(),
  watcher: settings.optional(),
  cli: settings.optional(),
});

/** What no program can see alone: that they mean the same deployment, and find each other. */
function disagreements(file: ConfigurationFile): Mistake[] {
  const parsed = whole.safeParse(file.content);
  if (!parsed.success) return [];
  const { orchestrator, signer, watcher, cli } = parsed.data;
  const mistakes: Mistake[] = [];
  const differ = (path: readonly string[], one: unknown, other: unknown, problem: string) => {
    if (one === undefined || other === undefined || one === other) return;
    mistakes.push({ severity: 'error', at: path.join('.'), line: file.lineOf(path), problem });
  };
  const reference = orchestrator?.deploymentId ?? signer?.deploymentId ?? watcher?.deploymentId;
  differ(
    ['signer', 'deploymentId'],
    signer?.deploymentId,
    reference,
    'another deployment than the orchestrator’s',
  );
  differ(
    ['watcher', 'deploymentId'],
    watcher?.deploymentId,
    reference,
    'another deployment than the orchestrator’s',
  );
  differ(['cli', 'deployment'], cli?.deployment, reference, 'another deployment than the programs’');
  const { listen } = signer ?? {};
  const place = orchestrator?.signer;
  differ(
    ['orchestrator', 'signer', 'socket'],
    place?.socket,
    listen?.path,
    'the signer listens on another socket',
  );
  differ(['orchestrator', 'signer', 'port'], place?.port, listen?.port, 'the signer listens on another port');
  if (
    (place?.socket !== undefined && listen?.port !== undefined) ||
    (place?.port !== undefined && listen?.path !== undefined)
  ) {
    const path = ['orchestrator', 'signer'];
    const problem = 'one means a unix socket, the other one TLS';
    mistakes.push({ severity: 'error', at: path.join('.'), line: file.lineOf(path), problem });
  }
  return mistakes;
}

/** Whose settings a file without sections holds, by what only one of them has. */
function ownerOf({ content }: ConfigurationFile): SectionName {
  const keys = typeof content === 'object' && content !== null ? Object.keys(content) : [];
  if (keys.includes('sequenceFile')) return 'watcher';
  if (keys.includes('storePath') || keys.includes('listen')) return 'signer';
  return keys.includes('database') || keys.includes('http') ? 'orchestrator' : 'cli';
}

async function check(path: string, nowMs: number): Promise<Answer> {
  const file = ConfigurationFile.read(path);
  const found = file.sections();
  const sections = found.length > 0 ? found : [ownerOf(file)];
  const mistakes: Mistake[] = [];
  for (const name of sections) {
    mistakes.push(...(name === 'cli' ? checkOwn(file, nowMs) : await askProgram(name, path)));
  }
  if (found.length > 0) mistakes.push(...disagreements(file));
  const report = { program: 'portcullis', file: path, mistakes };
  const sound = isSound(report);
  const checked = sections.join(', ');
  const verdict: Line = sound
    ? [good('✓'), ' ', strong(path), `  sound: ${checked}`]
    : [bad('✗'), ' ', strong(path), `  checked: ${checked}`];
  return {
    json: { file: path, sections, sound, mistakes },
    lines: [...reportLines(report), verdict],
    exit: sound ? EXIT.ok : EXIT.usage,
  };
}

/** The JSON Schema of the whole file, from those of its sections. */
export function wholeSchema(sections: Readonly<Record<SectionName, unknown>>): unknown {
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'Portcullis configuration',
    description: 'One section for each program; each reads its own. Written by `portcullis config schema`.',
    type: 'object',
    properties: Object.fromEntries(SECTIONS.map((name) => [name, withoutDialect(sections[name])])),
    additionalProperties: false,
  };
}

function withoutDialect(schema: unknown): unknown {
  if (typeof schema !== 'object' || schema === null) return schema;
  return Object.fromEntries(Object.entries(schema).filter(([key]) => key !== '$schema'));
}

async function schemaOf(name: ProgramName): Promise<unknown> {
  const program = programOf(name);
  if (program === undefined) throw cliFault('configuration-missing', `the ${name} is not installed here`);
  const { output } = await ask(program, ['schema'], ANSWER_WITHIN_MS);
  return JSON.parse(output);
}

async function schema(): Promise<Answer> {
  const whole = wholeSchema({
    orchestrator: await schemaOf('orchestrator'),
    signer: await schemaOf('signer'),
    watcher: await schemaOf('watcher'),
    cli: z.toJSONSchema(cliConfig, { io: 'input' }),
  });
  return { json: whole, lines: JSON.stringify(whole, null, 2).split('\n') };
}

export function configCommands(cli: CommandLine): void {
  const group = cli.group('config', 'check a configuration file, or show what may stand in one');
  cli.add(
    group,
    {
      usage: 'check <file>',
      summary: 'say what is wrong with a configuration file',
      description:
        'Has each section checked by the program that would run on it: its schema, and whether the files that it names are there, fit together and are closed to others. Opens no connection and no token. Exit code 2 when something is wrong; what will soon be is a warning. Run it as the user that the program runs as.',
      example: 'config check /etc/portcullis/portcullis.yaml',
    },
    [],
    z.object({}),
    async (given, path = ''): Promise<Outcome<Answer>> => accepted(await check(path, given.clock.nowMs())),
  );
  cli.add(
    group,
    {
      usage: 'schema',
      summary: 'print the JSON Schema of the configuration file',
      description: 'For editors and for checks elsewhere; packaging/config/portcullis.schema.json is this.',
      example: 'config schema > portcullis.schema.json',
    },
    [],
    z.object({}),
    async (): Promise<Outcome<Answer>> => accepted(await schema()),
  );
}
