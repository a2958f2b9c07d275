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

/** In 500 seeds, at the least: a half of what comes to be or less, since every change of the programs gives other runs. */
export const LEAST_OF_HALF: Readonly<Record<string, number>> = {
  'store-lost': 20,
  'store lost with a signature on its way': 12,
  'restore: done': 20,
  'restore: died': 2,
  'restore-over': 18,
  'reserved: refresh': 50,
  'asked anew after a restore': 30,
  'asked anew after a void': 50,
  'thief broadcasts what a lost store signed': 25,
  'thief replay: request-before-restore': 100,
  'old copy refused: store-rolled-back': 6,
  'lost store refused: store-missing': 2,
  'journal: buried': 15,
  'reserved: payment of what was buried or void': 12,
  'thief buries: burial-incomplete': 4,
  'thief buries: burial-not-conflicting': 4,
  'journal: voided': 250,
  'journal: governance': 80,
  'reserved: cancel': 50,
  'reserved: replacement': 40,
  'cancel: done': 80,
  reorganisation: 250,
  'reorganisation deeper than final': 15,
  'tail-lost': 6,
  'record-lost': 8,
};

/** At least once. */
export const MISCHIEF: readonly string[] = [
  ...['lost', 'doubled', 'reordered', 'evicted', 'clock', 'link', 'disk-full', 'database-fails'],
  ...['node lie', 'node error', 'node answer lost', 'node question doubled'],
  ...['token-fault', 'token-indeterminate'],
  ...['thief altered: a signature', 'thief own: a signature', 'thief own: limit-exceeded'],
  ...['thief own: transfer-already-signed', 'thief own: outpoint-used', 'thief own: nonce-used'],
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
  const passed = [...counts.keys()]
    .filter((kind) => kind.startsWith(BOUNDARY))
    .map((kind) => kind.slice(BOUNDARY.length));
  const isDetailed = (place: string) => passed.some((other) => other.startsWith(`${place}: `));
  return passed.filter((place) => !boundaries.includes(place) && !isDetailed(place));
}

/** Boundaries that nobody has died at. */
export function undied({ counts }: Tally, boundaries: readonly string[]): string[] {
  return boundaries.filter((place) => !counts.has(`died ${place}`));
}
