// A small, plain part of YAML 1.2: maps with plain keys, lists, whole numbers and text on one line, each with its place.
// It is NOT a general YAML reader. Whatever lets a text mean something else than a person reads in it is refused:
// anchors, aliases, tags, directives, merge keys, repeated keys, escapes, block text, floats, hex, null and booleans.

import { isAlias, isMap, isScalar, isSeq, type Node, parseDocument, Scalar } from 'yaml';
import { accepted, Fault, type Outcome, refused } from '../fault.js';

export const MAX_YAML_CHARACTERS = 65_536;
const MAX_DEPTH = 12;
const MAX_NODES = 10_000;

export interface YamlPlace {
  /** From 1. */
  readonly line: number;
  /** From 1. */
  readonly column: number;
  /** The line as it is written; of a long one, what stands around the column, between dots. */
  readonly text: string;
}

export interface YamlText {
  /** Maps, arrays, strings and whole numbers below 10^9 only. */
  readonly value: unknown;
  /** Where the value at a path stands, or the nearest one around it. */
  placeOf(path: readonly PropertyKey[]): YamlPlace;
}

export type YamlRefusalCode = 'yaml-malformed';

const KEY = /^[A-Za-z][A-Za-z0-9._:/@-]{0,127}$/;
const WHOLE_NUMBER = /^(?:0|[1-9][0-9]{0,8})$/;
const EXCERPT_CHARACTERS = 80;
const BEFORE_COLUMN = 30;
const UNPRINTABLE = /[^\x20-\x7e\n]/u;
const DIRECTIVE = /^%/m;

/** `U+00A0`; a person may see nothing of it, or take it for another one. */
function characterWords(character: string): string {
  const code = (character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0');
  const name = new Map([
    ['\t', ', a tab'],
    ['\r', ', the end of a line as Windows writes it'],
    ['\u00a0', ', a blank that does not break'],
  ]).get(character);
  return `U+${code}${name ?? ''}`;
}

/** At most 80 characters of a line, and what dots say of the rest: a person sees what is meant also far to the right. */
function excerptOf(line: string, column: number): string {
  const written = line.trimEnd();
  const first = written.length - written.trimStart().length;
  const start = Math.max(first, Math.min(column - 1 - BEFORE_COLUMN, written.length - EXCERPT_CHARACTERS));
  const end = start + EXCERPT_CHARACTERS;
  return `${start > first ? '...' : ''}${written.slice(start, end)}${end < written.length ? '...' : ''}`;
}

function pathKey(path: readonly PropertyKey[]): string {
  return path.map(String).join('\n');
}

class Walk {
  readonly offsets = new Map<string, number>();
  #nodes = 0;

  constructor(
    private readonly text: string,
    private readonly quotedKeys: ReadonlySet<string>,
  ) {}

  value(node: unknown, path: readonly PropertyKey[], around: number): unknown {
    this.#nodes += 1;
    if (this.#nodes > MAX_NODES) return malformed(around, `more than ${MAX_NODES} values`);
    if (path.length > MAX_DEPTH) return malformed(around, `nested deeper than ${MAX_DEPTH}`);
    const start = offsetOf(node) ?? around;
    if (!this.offsets.has(pathKey(path))) this.offsets.set(pathKey(path), start);
    if (isAlias(node)) return malformed(start, 'an alias is not allowed');
    if (isScalar(node)) return this.scalar(node, path, start);
    if (isMap(node)) {
      plain(node, start);
      const entries = node.items.map((pair): [string, unknown] => {
        const at = offsetOf(pair.key) ?? start;
        const key = this.key(pair.key, at);
        const child = [...path, key];
        this.offsets.set(pathKey(child), offsetOf(pair.value) ?? at);
        return [key, this.value(pair.value, child, at)];
      });
      return Object.fromEntries(entries);
    }
    if (isSeq(node)) {
      plain(node, start);
      return node.items.map((item, index) => this.value(item, [...path, index], start));
    }
    return malformed(start, 'a value is missing');
  }

  private key(node: unknown, start: number): string {
    if (!isScalar(node) || typeof node.value !== 'string') return malformed(start, 'a key is a plain word');
    plain(node, start);
    if (node.type !== Scalar.PLAIN || !KEY.test(node.value)) return malformed(start, 'a key is a plain word');
    return node.value;
  }

  private scalar(node: Scalar, path: readonly PropertyKey[], start: number): string | number {
    plain(node, start);
    const written = this.text.slice(node.range?.[0] ?? 0, node.range?.[1] ?? 0);
    if (node.type === Scalar.BLOCK_FOLDED || node.type === Scalar.BLOCK_LITERAL || written.includes('\n')) {
      return malformed(start, 'a text stands on one line');
    }
    if (written.includes('\\')) return malformed(start, 'an escape is not allowed');
    const quoted = node.type === Scalar.QUOTE_DOUBLE || node.type === Scalar.QUOTE_SINGLE;
    const key = path.at(-1);
    if (typeof key === 'string' && this.quotedKeys.has(key) && !quoted) {
      return malformed(start, `the value of ${key} stands in quotes, with its unit`);
    }
    if (typeof node.value === 'string') return node.value;
    if (typeof node.value === 'number' && WHOLE_NUMBER.test(written)) return node.value;
    if (written === '') return malformed(start, 'a value is missing');
    return malformed(start, 'neither a word nor a small whole number; text that looks so stands in quotes');
  }
}

function malformed(offset: number, why: string): never {
  throw new Fault<YamlRefusalCode>('yaml-malformed', why, { facts: { offset } });
}

function offsetOf(node: unknown): number | undefined {
  return isScalar(node) || isMap(node) || isSeq(node) || isAlias(node) ? node.range?.[0] : undefined;
}

function plain(node: Node, start: number): void {
  if ('anchor' in node && node.anchor !== undefined) malformed(start, 'an anchor is not allowed');
  if (node.tag !== undefined) malformed(start, 'a tag is not allowed');
}

function parsed(text: string): unknown {
  const document = parseDocument(text, {
    version: '1.2',
    schema: 'core',
    strict: true,
    uniqueKeys: true,
    stringKeys: true,
    merge: false,
    resolveKnownTags: false,
    prettyErrors: false,
    logLevel: 'error',
  });
  const [problem] = [...document.errors, ...document.warnings];
  if (problem) return malformed(problem.pos[0], problem.message);
  return document.contents;
}

/**
 * Reads one document. Input is hostile. Values under one of `quotedKeys` must be written in quotes (amounts: an
 * unquoted one could be read as a float elsewhere). Refuses `yaml-malformed` with line, column, text and why.
 */
export function readYaml(text: string, quotedKeys: ReadonlySet<string>): Outcome<YamlText, YamlRefusalCode> {
  const lines = text.split('\n');
  const placed = (offset: number): YamlPlace => {
    const before = text.slice(0, offset).split('\n');
    const bounded = before.length;
    const column = (before.at(-1) ?? '').length + 1;
    return { line: bounded, column, text: excerptOf(lines[bounded - 1] ?? '', column) };
  };
  try {
    if (text.length > MAX_YAML_CHARACTERS) malformed(0, `longer than ${MAX_YAML_CHARACTERS} characters`);
    const stranger = UNPRINTABLE.exec(text);
    if (stranger)
      malformed(stranger.index, `a character that is not printable ASCII: ${characterWords(stranger[0])}`);
    const directive = DIRECTIVE.exec(text);
    if (directive) malformed(directive.index, 'a directive is not allowed');
    const walk = new Walk(text, quotedKeys);
    const value = walk.value(parsed(text), [], 0);
    const placeOf = (path: readonly PropertyKey[]): YamlPlace => {
      for (let length = path.length; length >= 0; length -= 1) {
        const offset = walk.offsets.get(pathKey(path.slice(0, length)));
        if (offset !== undefined) return placed(offset);
      }
      return placed(0);
    };
    return accepted({ value, placeOf });
  } catch (error) {
    if (error instanceof Fault && error.code === 'yaml-malformed') {
      const { offset } = error.facts;
      const { line, column, text: written } = placed(typeof offset === 'number' ? offset : 0);
      return refused('yaml-malformed', { line, column, text: written, why: error.message });
    }
    // A text nested so deeply that the parser's own recursion ends: as malformed as one that is just over the bound.
    if (error instanceof RangeError) {
      return refused('yaml-malformed', {
        line: 1,
        column: 1,
        text: '',
        why: `nested deeper than ${MAX_DEPTH}`,
      });
    }
    throw error;
  }
}
