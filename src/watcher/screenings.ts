// What is known of an address: asked of a service, or looked up in a list. It judges nothing itself.

import { readFileSync, statSync } from 'node:fs';
import { z } from 'zod';
import { screeningResult, spelledForFacts } from '../core/facts/fact.js';
import { accepted, type Outcome, refused } from '../core/fault.js';
import type { ScreeningConfig, Verdict } from './config.js';
import { type Fetching, fetchAs, type Seen, textAt } from './source.js';

const risk = z
  .string()
  .regex(/^(?:0|[1-9][0-9]?|100)$/)
  .transform((text) => Number.parseInt(text, 10));

const MAX_LIST_BYTES = 64 * 1024 * 1024;

/** The last line that says something: a list without it was cut off, and whoever stood behind that would be clear. */
const END = 'end';

/** From mild to strict. */
const RESULTS: readonly Verdict['result'][] = ['clear', 'flagged', 'blocked'];

interface List {
  /** What a file is known by; another one has been put in its place when it differs. */
  readonly version: string;
  readonly verdicts: ReadonlyMap<string, Verdict>;
}

const lists = new Map<string, List>();

function lineOf(line: string): readonly [string, Verdict] | undefined {
  const [address = '', result, score, ...rest] = line.trim().split(/\s+/);
  const parsed = { result: screeningResult.safeParse(result), score: risk.safeParse(score) };
  if (rest.length > 0 || !parsed.result.success || !parsed.score.success) return undefined;
  return [spelledForFacts(address), { result: parsed.result.data, riskScore: parsed.score.data }];
}

function stricterOf(one: Verdict, other: Verdict): Verdict {
  const isMilder = RESULTS.indexOf(one.result) < RESULTS.indexOf(other.result);
  return {
    result: isMilder ? other.result : one.result,
    riskScore: Math.max(one.riskScore, other.riskScore),
  };
}

/**
 * Lines that start with # say nothing, and the last of the others is `end`. Of several lines for one address the strictest
 * counts, in result and in risk. One line that cannot be read refuses the list: it may be the one that matters.
 */
export function listOf(text: string): Outcome<ReadonlyMap<string, Verdict>, 'source-malformed'> {
  const verdicts = new Map<string, Verdict>();
  let isEnded = false;
  for (const [at, line] of text.split('\n').entries()) {
    if (line.trim() === '' || line.startsWith('#')) continue;
    const parsed = isEnded ? undefined : lineOf(line);
    if (!isEnded && line.trim() === END) isEnded = true;
    else if (!parsed) return refused('source-malformed', { line: at + 1 });
    else {
      const [address, verdict] = parsed;
      const before = verdicts.get(address);
      verdicts.set(address, before ? stricterOf(before, verdict) : verdict);
    }
  }
  return isEnded ? accepted(verdicts) : refused('source-malformed', { why: 'the list has no end' });
}

function readList(
  file: string,
): Outcome<ReadonlyMap<string, Verdict>, 'source-malformed' | 'source-unreachable'> {
  let text: string;
  let version: string;
  try {
    const { mtimeMs, size, ino } = statSync(file);
    version = `${ino} ${size} ${mtimeMs}`;
    const known = lists.get(file);
    if (known?.version === version) return accepted(known.verdicts);
    if (size > MAX_LIST_BYTES) return refused('source-malformed', { why: 'the list is too large' });
    text = readFileSync(file, 'utf8');
  } catch {
    // Without its list nobody is clear; why it cannot be read is for whoever runs the watcher to find out.
    return refused('source-unreachable', { why: 'file' });
  }
  const list = listOf(text);
  if (list.kind === 'accepted') lists.set(file, { version, verdicts: list.value });
  return list;
}

async function verdictOf(
  config: ScreeningConfig,
  chain: string,
  address: string,
  fetching: Fetching,
): Promise<Outcome<Verdict, 'source-malformed' | 'source-unreachable'>> {
  if (config.kind === 'list') {
    const list = readList(config.file);
    return list.kind === 'refused' ? list : accepted(list.value.get(address) ?? config.otherwise);
  }
  const url = config.url
    .replaceAll('{chain}', encodeURIComponent(chain))
    .replaceAll('{address}', encodeURIComponent(address));
  const { authorizationFile, resultPointer, riskPointer } = config;
  const document = await fetchAs(url, authorizationFile, fetching);
  if (document.kind === 'refused') return document;
  const result = textAt(document.value, resultPointer);
  const score = textAt(document.value, riskPointer);
  if (result.kind === 'refused') return result;
  if (score.kind === 'refused') return score;
  const parsed = { result: screeningResult.safeParse(result.value), score: risk.safeParse(score.value) };
  return parsed.result.success && parsed.score.success
    ? accepted({ result: parsed.result.data, riskScore: parsed.score.data })
    : refused('source-malformed', { why: 'no result and no risk' });
}

export async function seeScreening(
  config: ScreeningConfig,
  chain: string,
  address: string,
  fetching: Fetching,
): Promise<Seen> {
  const verdict = await verdictOf(config, chain, address, fetching);
  return verdict.kind === 'refused'
    ? verdict
    : accepted({ kind: 'screening', chain, address, ...verdict.value });
}
