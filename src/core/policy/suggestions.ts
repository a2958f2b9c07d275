// What somebody who wrote an unknown name may have meant. It judges nothing.

/** As many letters of a name as are looked at. */
const MOST_LETTERS = 64;

/** Levenshtein's: how many letters have to be put in, taken out or exchanged. */
function distance(one: string, other: string): number {
  let row = Array.from({ length: other.length + 1 }, (_, at) => at);
  for (const [above, letter] of [...one].entries()) {
    const next = [above + 1];
    for (const [at, wanted] of [...other].entries()) {
      const exchanged = (row[at] ?? 0) + (letter === wanted ? 0 : 1);
      next.push(Math.min(exchanged, (row[at + 1] ?? 0) + 1, (next[at] ?? 0) + 1));
    }
    row = next;
  }
  return row[other.length] ?? 0;
}

/** Of a short name one other letter makes another word. */
function tolerance(name: string): number {
  return name.length < 5 ? 1 : Math.max(2, name.length / 3);
}

/** The known name that is nearest, if one is near; the first of those that are equally near. */
export function nearest(written: string, known: Iterable<string>): string | undefined {
  const name = written.slice(0, MOST_LETTERS);
  return [...known]
    .map((one) => ({ one, away: distance(name, one.slice(0, MOST_LETTERS)) }))
    .filter(({ away }) => away <= tolerance(name))
    .sort((left, right) => left.away - right.away)[0]?.one;
}

/** `; perhaps treasury`, or nothing. */
export function perhaps(written: string, known: Iterable<string>): string {
  const near = nearest(written, known);
  return near === undefined ? '' : `; perhaps ${near}`;
}
