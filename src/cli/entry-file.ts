// An entry on its way from officer to officer: a file with the entry and the signatures that it has so far. Genesis and
// later entries look alike.

import { z } from 'zod';
import { type Outcome, refused } from '../core/fault.js';
import { genesisState } from '../core/governance/change.js';
import { stateAfterDraft } from '../core/governance/draft.js';
import {
  type Credential,
  type EntryBody,
  entryBody,
  entryHash,
  entrySignature,
  type GovernanceEntry,
} from '../core/governance/entry.js';
import { vetoRoster } from '../core/governance/last-veto.js';
import { type GovernanceRefusalCode, type GovernanceState, holderOf } from '../core/governance/state.js';
import { jsonText, readJson } from './files.js';

/** As a governance entry, but without signatures for a start. */
export const entryFile = z.strictObject({ body: entryBody, signatures: z.array(entrySignature).max(64) });
export type EntryFile = z.infer<typeof entryFile>;

/** Faults `file-unreadable`, `file-malformed`. */
export function readEntry(path: string): EntryFile {
  return readJson(path, entryFile, 'a governance entry');
}

export function entryText(entry: EntryFile | GovernanceEntry): string {
  return jsonText(entry);
}

/**
 * The persons and credentials that may sign: the roster of the state before, with those to whom a veto alone is left where it is
 * one, and for genesis its own.
 */
export function credentialOf(
  body: EntryBody,
  before: GovernanceState | undefined,
  credentialId: string,
): { readonly personId: string; readonly credential: Credential } | undefined {
  const { change } = body;
  if (before !== undefined) {
    const roster = change.kind === 'vetoed' ? vetoRoster(before, change.entry) : before;
    const holder = holderOf(roster, credentialId);
    return holder && { personId: holder.person.personId, credential: holder.credential };
  }
  if (change.kind !== 'genesis') return undefined;
  for (const person of change.persons) {
    const credential = person.credentials.find((one) => one.credentialId === credentialId);
    if (credential) return { personId: person.personId, credential };
  }
  return undefined;
}

/** What the state is after an entry that stands on `before`; before genesis there is none. Signatures are not looked at. */
export function stateAfter(
  body: EntryBody,
  before: GovernanceState | undefined,
): Outcome<GovernanceState, GovernanceRefusalCode> {
  if (before) return stateAfterDraft(before, body);
  return body.change.kind === 'genesis'
    ? genesisState(body.change, entryHash(body))
    : refused('governance-not-genesis');
}
