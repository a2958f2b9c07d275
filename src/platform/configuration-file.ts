// The configuration file that all programs share the form of: YAML or JSON, with a section for each program. A program
// reads its own section, which may also be the whole file, and nothing of the others'. It reads one file and nothing
// else: no environment variable and no flag can change a single setting.
//
// Mistakes are told with path and line and what would be right. Values stay out of messages: one may be a password.

import { readFileSync, statSync } from 'node:fs';
import { type Document, isMap, isNode, isScalar, LineCounter, type Pair, parseDocument } from 'yaml';
import type { z } from 'zod';
import { Fault } from '../core/fault.js';

export type ConfigurationFaultCode =
  | 'configuration-missing'
  | 'configuration-unreadable'
  | 'configuration-open-to-others'
  | 'configuration-malformed'
  | 'configuration-invalid';

/** The sections of the file, one for each program. */
export const SECTIONS = ['orchestrator', 'signer', 'watcher', 'cli'] as const;
export type SectionName = (typeof SECTIONS)[number];

/** Something in a configuration that is wrong, or will soon be. */
export interface Mistake {
  /** `error` keeps the program from working. */
  readonly severity: 'error' | 'warning';
  /** Path of the setting in the file, `(top)` for the file. */
  readonly at: string;
  readonly line: number | null;
  readonly problem: string;
}

type Path = readonly (string | number)[];

const MAX_BYTES = 1024 * 1024;
const MAX_REPORTED = 20;
const ROOT = 0;
const WRITABLE_BY_OTHERS = 0o022;

export class ConfigurationFile {
  private constructor(
    readonly path: string,
    private readonly document: Document,
    private readonly lines: LineCounter,
    /** What the file holds, of whatever form. */
    readonly content: unknown,
  ) {}

  /** Throws `configuration-unreadable`, `configuration-open-to-others`, `configuration-malformed`. */
  static read(path: string): ConfigurationFile {
    return ConfigurationFile.parse(readOwn(path), path);
  }

  /** YAML 1.2 or JSON, which is a subset. Throws `configuration-malformed`. */
  static parse(text: string, path = 'configuration'): ConfigurationFile {
    const lines = new LineCounter();
    const document = parseDocument(text, {
      uniqueKeys: true,
      strict: true,
      merge: false,
      logLevel: 'silent',
      lineCounter: lines,
    });
    const [problem] = [...document.errors, ...document.warnings];
    if (problem) {
      const [start] = problem.linePos ?? [];
      throw malformed(
        start ? `${path}:${start.line}:${start.col}` : path,
        `not YAML or JSON (${problem.code})`,
        path,
      );
    }
    try {
      return new ConfigurationFile(path, document, lines, document.toJS({ maxAliasCount: 0 }));
    } catch {
      throw malformed(path, 'anchors and aliases are not allowed here', path);
    }
  }

  /**
   * The sections that the file has; none when the whole file is one program's. (The orchestrator's settings hold a
   * `signer` too, but never alone.) Throws `configuration-invalid` for anything beside them.
   */
  sections(): readonly SectionName[] {
    const keys = isObject(this.content) ? Object.keys(this.content) : [];
    const has = (name: SectionName) => keys.includes(name);
    if (!has('orchestrator') && !has('watcher') && !has('cli') && !(has('signer') && keys.length === 1))
      return [];
    const unknown = keys.filter((key) => !SECTIONS.some((name) => name === key));
    if (unknown.length > 0) {
      throw new Fault<ConfigurationFaultCode>(
        'configuration-invalid',
        `${this.path}: no section is called ${unknown.join(', ')}; there are ${SECTIONS.join(', ')}`,
        { facts: { path: this.path } },
      );
    }
    return SECTIONS.filter(has);
  }

  /** A program's settings. Throws `configuration-missing` when the file has sections, and not this one. */
  section(name: SectionName): Section {
    const found = this.sections();
    if (found.length === 0) return new Section(this, []);
    if (found.includes(name)) return new Section(this, [name]);
    throw new Fault<ConfigurationFaultCode>(
      'configuration-missing',
      `${this.path}: there is no section ${name}; it has ${found.join(' and ')}`,
      { facts: { path: this.path } },
    );
  }

  /** The line of a setting, or of the one that should hold it. */
  lineOf(path: Path): number | null {
    for (let length = path.length; length > 0; length -= 1) {
      const offset = offsetOf(this.document, path.slice(0, length));
      if (offset !== undefined) return this.lines.linePos(offset).line;
    }
    return null;
  }
}

/** One program's part of a file. */
export class Section {
  constructor(
    private readonly file: ConfigurationFile,
    private readonly prefix: Path,
  ) {}

  /** Throws `configuration-invalid`, with every mistake in its message. */
  parsed<S extends z.ZodType>(schema: S): z.output<S> {
    const result = schema.safeParse(this.content());
    if (result.success) return result.data;
    const mistakes = this.mistakesOf(result.error.issues);
    const lines = mistakes.slice(0, MAX_REPORTED).map(({ at, line, problem }) => {
      return `${line === null ? '' : `line ${line}: `}${at}: ${problem}`;
    });
    const { path } = this.file;
    throw new Fault<ConfigurationFaultCode>(
      'configuration-invalid',
      `${path}: ${lines.length === 1 ? '' : `${mistakes.length} mistakes\n  `}${lines.join('\n  ')}`,
      { facts: { path, mistakes: mistakes.length } },
    );
  }

  /** The settings, or what is wrong with them. */
  read<S extends z.ZodType>(
    schema: S,
  ): { readonly settings: z.output<S> } | { readonly mistakes: Mistake[] } {
    const result = schema.safeParse(this.content());
    return result.success ? { settings: result.data } : { mistakes: this.mistakesOf(result.error.issues) };
  }

  /** Something that is wrong with a setting, though the schema has nothing against it. */
  mistake(severity: Mistake['severity'], path: Path, problem: string): Mistake {
    const whole = [...this.prefix, ...path];
    return { severity, at: textOf(whole), line: this.file.lineOf(whole), problem };
  }

  private content(): unknown {
    let value = this.file.content;
    for (const key of this.prefix) value = isObject(value) ? value[key] : undefined;
    return value;
  }

  private mistakesOf(issues: readonly z.core.$ZodIssue[]): Mistake[] {
    return issues.map((issue) => {
      const path = issue.path.map((key) => (typeof key === 'number' ? key : String(key)));
      const [unknown] = issue.code === 'unrecognized_keys' ? issue.keys : [];
      const line = this.file.lineOf([...this.prefix, ...path, ...(unknown === undefined ? [] : [unknown])]);
      return { ...this.mistake('error', path, problemOf(issue)), line };
    });
  }
}

function problemOf(issue: z.core.$ZodIssue): string {
  if (issue.code === 'unrecognized_keys') {
    return `unknown ${issue.keys.length === 1 ? 'setting' : 'settings'} ${issue.keys.join(', ')}`;
  }
  if (issue.code === 'invalid_type' && issue.message.endsWith('received undefined')) {
    return `missing; expected ${issue.expected}`;
  }
  return issue.message;
}

function textOf(path: Path): string {
  return path.length === 0 ? '(top)' : path.join('.');
}

/** Where the key of a setting stands, or its value when it is one of a list. */
function offsetOf(document: Document, path: Path): number | undefined {
  const parent = path.length === 1 ? document.contents : document.getIn(path.slice(0, -1), true);
  const last = path.at(-1);
  if (isMap(parent)) {
    const pair = parent.items.find(({ key }: Pair) => isScalar(key) && String(key.value) === String(last));
    return isNode(pair?.key) ? pair.key.range?.[0] : undefined;
  }
  const node = document.getIn(path, true);
  return isNode(node) ? node.range?.[0] : undefined;
}

/** Whoever can write this file chooses where keys, nodes and the modules that are loaded come from. */
function readOwn(path: string): string {
  let status: ReturnType<typeof statSync>;
  let text: string;
  try {
    status = statSync(path);
    if (status.size > MAX_BYTES) throw new Error(`${status.size} bytes, more than ${MAX_BYTES}`);
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    throw new Fault<ConfigurationFaultCode>(
      'configuration-unreadable',
      `cannot read the configuration ${path}: ${cause instanceof Error ? cause.message : 'unknown reason'}`,
      { facts: { path }, cause },
    );
  }
  const self = process.getuid?.();
  const foreign = self !== undefined && status.uid !== self && status.uid !== ROOT;
  if (foreign || (status.mode & WRITABLE_BY_OTHERS) !== 0) {
    throw new Fault<ConfigurationFaultCode>(
      'configuration-open-to-others',
      foreign
        ? `the configuration ${path} is somebody else's; it has to be root's or the program's own user's`
        : `others can change the configuration ${path}: chmod go-w ${path}`,
      { facts: { path, mode: (status.mode & 0o777).toString(8), owner: status.uid } },
    );
  }
  return text;
}

function malformed(where: string, what: string, path: string): Fault<ConfigurationFaultCode> {
  return new Fault('configuration-malformed', `${where}: ${what}`, { facts: { path } });
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
