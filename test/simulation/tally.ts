// What has happened in many runs, and how much of it has to: a simulation in which nothing is restored or buried any more
// would find nothing there, and say nothing.

export interface Tally {
  seeds: number;
  turns: number;
  readonly counts: Map<string, number>;
}

export function emptyTally(): Tally {
  return { seeds: 0, turns: 0, counts: new Map() };
}

/** In 500 seeds, at the least. They are far below what comes to be, since every change of the programs gives other runs. */
export const LEAST_OF_HALF: Readonly<Record<string, number>> = {
  'store-lost': 25,
};

/** At least once. */
export const MISCHIEF: readonly string[] = [
  'thief own: a signature',
];

/** What has happened too rarely, with how often it did. */
export function rarer({ counts }: Tally, least: Readonly<Record<string, number>>): string[] {
  return Object.entries(least)
    .filter(([kind, count]) => (counts.get(kind) ?? 0) < count)
    .map(([kind, count]) => `${kind}: ${counts.get(kind) ?? 0} of ${count}`);
}

const BOUNDARY = 'boundary ';

/** Boundaries that were come past and are in no list. One that is told in more detail is not listed without. */
export function unlisted({ counts }: Tally, boundaries: readonly string[]): string[] {
  const passed = [...counts.keys()].filter((kind) => kind.startsWith(BOUNDARY)).map((kind) => kind.slice(BOUNDARY.length));
  const isDetailed = (place: string) => passed.some((other) => other.startsWith(`${place}: `));
  return passed.filter((place) => !boundaries.includes(place) && !isDetailed(place));
}

/** Boundaries that nobody has died at. */
export function undied({ counts }: Tally, boundaries: readonly string[]): string[] {
  return boundaries.filter((place) => !counts.has(`died ${place}`));
}
