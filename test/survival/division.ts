// Which test kills at which boundary, so that together they kill at all of them: each part has programs, chains and an audit of
// its own, and writes down where it killed. The last one adds that up.

/** Come to only where a program is told to stop. */
export const AT_THE_STOP = /store\.beat#2|shutDown/;

/** Parts that are about a few boundaries alone, each with what leads there. Every other boundary is in a part by its folder. */
const SPECIAL = [
  // Of the signer: what it does once in its life, by a person's hand.
  { part: 'ceremony', boundary: /:initialise:|SignerStore\.create:|makeSeal:/ },
  { part: 'restore', boundary: /:bringBack:|SignerStore\.restore[:.]/ },
  // For a log that the workload has none of.
  { part: 'checkpoints', boundary: /^src\/signer\/checkpoints\.ts:/ },
  // Where a signer with several sessions hardly ever comes: a record's first two objects, what is left over, one session alone.
  {
    part: 'token-record',
    boundary: /token-records\.ts:(?:createRecord|destroyLeftovers)|signWith:api\.C_Sign:/,
  },
  { part: 'lost-store', boundary: /Restores\.refresh|restoreFacts/ },
  { part: 'proposals', boundary: /^src\/orchestrator\/governance\/(?:proposal|heads)/ },
  // Where a rule holds a transfer, as none of the others does.
  { part: 'held', boundary: /^src\/signer\/holds\.ts:|DecidingSteps\.review:noteWaiting/ },
  // Where a fact is missing that a rule wants, and the watcher that states it.
  { part: 'facts', boundary: /^src\/watcher\/|DecidingSteps\.(?:end:noteWaiting|review:moveTransfer)/ },
  { part: 'frozen', boundary: /recordWaiting|SigningSteps\.wait:|Steps\.waitForThaw/ },
  { part: 'stopped-chains', boundary: /EthereumDriver\.stop|Scanner\.scan:/ },
  {
    part: 'indeterminate',
    boundary: /SigningSteps\.surprise|TransferService\.(?:resolve|askAgain)|noteBurial|Workers\.step:/,
  },
] as const;

const BY_FOLDER = [
  { part: 'signer', boundary: /^(?:src\/signer|hardware)\// },
  { part: 'ways-out', boundary: /^src\/orchestrator\/ways-out\// },
  { part: 'chains', boundary: /^src\/orchestrator\/chains\// },
  { part: 'following', boundary: /^src\/orchestrator\/transfers\/following/ },
  { part: 'api', boundary: /^src\/orchestrator\/(?:identity|governance|idempotency|approvals)\// },
  { part: 'transfers', boundary: /^src\/orchestrator\// },
] as const;

const DIVISION = [...SPECIAL, ...BY_FOLDER];

export type Part = (typeof DIVISION)[number]['part'];

export const PARTS: readonly Part[] = DIVISION.map(({ part }) => part);

/** Throws RangeError for a boundary that nobody has thought of: it needs a part. */
export function partOf(boundary: string): Part {
  const found = DIVISION.find((one) => one.boundary.test(boundary));
  if (!found) throw new RangeError(`in no part: ${boundary}`);
  return found.part;
}
