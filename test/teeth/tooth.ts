// A row of the table of teeth: one check of the product, how it is taken out, and the test that has to notice.

import type { Edit } from './mutation.js';

export interface Tooth {
  /** The code that the check answers with. */
  readonly code: string;
  /** What the mutated product no longer does, in words. */
  readonly without: string;
  /** One edit, or several where a second check behind the first would refuse the same thing. */
  readonly edits: readonly [Edit, ...Edit[]];
  /** Test file, relative to the repository, and a part of the full title of the tests in it that have to fail. */
  readonly test: string;
  readonly title: string;
}

/** A code at a place where no mutation can show anything, with the reason. */
export interface Toothless {
  readonly code: string;
  /** The file with the check. */
  readonly file: string;
  readonly why: string;
}

/** A row as it is written down: of the group's file, seen by the group's test, unless it says otherwise. */
interface Row {
  readonly code: string;
  readonly without: string;
  readonly was: string;
  readonly becomes: string;
  readonly and?: Omit<Edit, 'file'> & { readonly file?: string };
  readonly test?: string;
  readonly title: string;
}

/** The teeth of one file. */
export function teethOf(file: string, test: string, rows: readonly Row[]): readonly Tooth[] {
  return rows.map(({ code, without, was, becomes, and, title, ...own }) => ({
    code,
    without,
    edits: [{ file, was, becomes }, ...(and ? [{ file, ...and }] : [])],
    test: own.test ?? test,
    title,
  }));
}
