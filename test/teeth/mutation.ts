// One check of the product taken out, as a change of its source text: the text has to stand in the file exactly once, and
// the file on the disk stays as it is. The mutated source exists only in what a test run loads (transformer.mjs) and in
// the programs that a test compiles (test/parts/compile-program.ts).
//
// Node.js loads this file by stripping its types, so it imports nothing of ours.

import { appendFileSync } from 'node:fs';
import process from 'node:process';

export interface Edit {
  /** Relative to the repository. */
  readonly file: string;
  readonly was: string;
  readonly becomes: string;
}

/** JSON of the edits of the mutation that a test run is to have. */
export const MUTATION_VARIABLE = 'PORTCULLIS_TEETH_MUTATION';
/** A file that gets a line for each mutated file that was really loaded. */
export const LOADED_VARIABLE = 'PORTCULLIS_TEETH_LOADED';

/** The source with the text replaced. Throws unless the text stands there exactly once. */
export function edited(source: string, { file, was, becomes }: Edit): string {
  const parts = source.split(was);
  if (was === '' || parts.length !== 2) {
    throw new Error(`${file}: stands there ${parts.length - 1} times, not once: ${was}`);
  }
  if (was === becomes) throw new Error(`${file}: the mutation changes nothing: ${was}`);
  return parts.join(becomes);
}

/** What is to be loaded instead of a file's source, when this run has a mutation of it. `file` is relative to the repository. */
export function mutated(file: string, source: string): string {
  const edits = JSON.parse(process.env[MUTATION_VARIABLE] ?? '[]') as readonly Edit[];
  const own = edits.filter((edit) => edit.file === file);
  const loaded = process.env[LOADED_VARIABLE];
  if (own.length > 0 && loaded !== undefined) appendFileSync(loaded, `${file}\n`);
  return own.reduce(edited, source);
}
