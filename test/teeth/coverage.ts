// What of the spine has no tooth: codes without a row, places in the source that answer with a code and have none, and
// rows about what is not there. It compares text with the table and runs nothing.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { declaredCodes, sitesOf } from './codes.js';
import type { Tooth, Toothless } from './tooth.js';

export type Sources = ReadonlyMap<string, string>;

/** A union of codes that refuses nobody anything on the spine, with the reason; `but` names those of it that do. */
export interface Aside {
  readonly union: string;
  readonly file: string;
  readonly why: string;
  readonly but?: readonly string[];
}

export interface Table {
  readonly teeth: readonly Tooth[];
  readonly toothless: readonly Toothless[];
  readonly aside: readonly Aside[];
}

/** The product's sources in some folders, or single ones, without the tests beside them. Names relative to `root`. */
export function sourcesBelow(root: string, places: readonly string[]): Sources {
  const files = places.flatMap((place) =>
    place.endsWith('.ts')
      ? [place]
      : readdirSync(join(root, place), { recursive: true, encoding: 'utf8' }).map((file) =>
          join(place, file),
        ),
  );
  const sources = files.filter(
    (file) => file.endsWith('.ts') && !/\.(?:spec|fixture|contract)\.ts$/.test(file),
  );
  return new Map(sources.sort().map((file) => [file, readFileSync(join(root, file), 'utf8')]));
}

/** The codes that have to have a tooth, and by file those that are declared there and have not. */
function codesOf(sources: Sources, aside: readonly Aside[]) {
  const wanted = new Set<string>();
  const unwanted = new Map<string, Set<string>>();
  const gaps: string[] = [];
  for (const [file, source] of sources) {
    const declared = declaredCodes(file, source);
    for (const { union, code } of declared) {
      const away = aside.find((one) => one.file === file && one.union === union);
      if (!away || away.but?.includes(code)) wanted.add(code);
      else unwanted.set(file, (unwanted.get(file) ?? new Set()).add(code));
    }
    for (const { union, but } of aside.filter((one) => one.file === file)) {
      const codes = declared.filter((one) => one.union === union).map(({ code }) => code);
      if (codes.length === 0) gaps.push(`${file} declares no ${union}, which is listed as aside`);
      for (const code of but ?? []) if (!codes.includes(code)) gaps.push(`${union} has no ${code}`);
    }
  }
  for (const { file, union } of aside) {
    if (!sources.has(file)) gaps.push(`${file} is not there, and its ${union} is listed as aside`);
  }
  return { wanted, unwanted, gaps };
}

/** Everything that keeps the table from being a whole one, as sentences; none when it is. */
export function gapsOf(sources: Sources, { teeth, toothless, aside }: Table): readonly string[] {
  const { wanted, unwanted, gaps } = codesOf(sources, aside);
  const rows = [
    ...teeth.flatMap(({ code, edits }) => edits.map(({ file }) => ({ code, file }))),
    ...toothless,
  ];
  const given = new Set<string>();
  for (const [file, source] of sources) {
    for (const [code, count] of sitesOf(file, source, wanted)) {
      given.add(code);
      const found = rows.filter((row) => row.code === code && row.file === file).length;
      if (found < count && !unwanted.get(file)?.has(code)) {
        gaps.push(`${file} answers ${code} at ${count} places, and ${found} have a tooth`);
      }
    }
    for (const { code } of toothless.filter((one) => one.file === file)) {
      if (!sitesOf(file, source, new Set([code])).has(code)) {
        gaps.push(`${file} does not answer ${code}, which is listed as not mutated`);
      }
    }
  }
  for (const code of wanted) {
    if (!teeth.some((tooth) => tooth.code === code) && !toothless.some((one) => one.code === code)) {
      gaps.push(`${code} has no tooth`);
    }
    if (!given.has(code)) gaps.push(`${code} is declared and never given`);
  }
  for (const code of new Set(rows.map((row) => row.code))) {
    if (!wanted.has(code)) gaps.push(`a row is for ${code}, which is no code of the spine`);
  }
  return gaps;
}
