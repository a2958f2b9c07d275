// What a governance entry does, as officers read it before they sign: the words of core/governance/words.ts, which come from
// this machine's own replay, and what identifies the entry. Pure.

import { type EntryBody, entryHash } from '../core/governance/entry.js';
import type { GovernanceState } from '../core/governance/state.js';
import { type Detail, type Said, wordsOfChange } from '../core/governance/words.js';
import { attention, bad, faint, fields, good, grouped, type Line, type Span, strong } from './lines.js';
import { instant } from './words.js';

/** Addresses and keys in groups, to be compared; what is no address is written in capitals. */
function textOf({ form, text }: Detail): Span | string {
  switch (form) {
    case 'text':
      return text;
    case 'address':
      return /[ ]/.test(text) ? bad(text) : strong(grouped(text));
    case 'key':
      return faint(text);
    case 'same':
      return faint(`  ${text}`);
    case 'removed':
      return bad(`- ${text}`);
    case 'added':
      return good(`+ ${text}`);
  }
}

function isOfText({ form }: Detail): boolean {
  return form === 'same' || form === 'removed' || form === 'added';
}

function saidLines({ tone, says, details }: Said): Line[] {
  const sentence = `${says.slice(0, 1).toUpperCase()}${says.slice(1)}.`;
  const labelled = details.filter((one) => !isOfText(one));
  return [
    tone === 'warning' ? [attention('Note: '), sentence] : [strong(sentence)],
    ...fields(labelled.map((one) => [one.label, [textOf(one)]])),
    ...details.filter(isOfText).map((one): Line => ['    ', textOf(one)]),
  ];
}

export function wordLines(said: readonly Said[]): Line[] {
  return said.length === 0 ? ['It changes nothing.'] : said.flatMap(saidLines);
}

/** What a state becomes, in words. */
export function changeLines(before: GovernanceState | undefined, after: GovernanceState): Line[] {
  return wordLines(wordsOfChange(before, after));
}

/** Everything that an entry does, and its hash: what is signed, and what is read aloud. Before genesis there is no state. */
export function entryLines(
  body: EntryBody,
  before: GovernanceState | undefined,
  after: GovernanceState,
): Line[] {
  const place: readonly (readonly [string, ...Line[]])[] = before
    ? [
        ['on top of', body.previous],
        ['deployment', body.deploymentId],
      ]
    : [];
  return [
    ...(before
      ? []
      : ['This is the GENESIS of a deployment: who may do what in it, from the beginning.', '']),
    ...changeLines(before, after),
    '',
    ...fields([
      ['entry', `number ${body.sequence}`],
      ['made', instant(body.createdAtMs)],
      ...place,
      [before ? 'hash' : 'deployment id', [strong(grouped(entryHash(body), 8))]],
    ]),
  ];
}
