// Teeth of the signer's time.

import { type Tooth, teethOf } from '../tooth.js';

export const CLOCK: readonly Tooth[] = [
  ...teethOf('src/signer/holds.ts', 'src/signer/holds.spec.ts', [
    {
      code: 'holds-too-many',
      without: 'the bound of the holds that a request key begins in a day',
      was: 'if (store.ledger.holdsBegun(keyId, at.measuredMs - DAY_MS) >= MOST_HOLDS_A_DAY) {',
      becomes: 'if (store.ledger.holdsBegun(keyId, at.measuredMs - DAY_MS) < 0) {',
      title: 'a hold that begins is not written when the key has begun as many in a day as it may',
    },
  ]),
  ...teethOf('src/signer/signer.ts', 'test/signer/clock.integration.spec.ts', [
    {
      code: 'clock-diverged',
      without: 'stopping where the clocks go apart',
      was: 'if (diverged)',
      becomes: 'if (false)',
      title: 'goes on within the bound, stops beyond it, and goes on when the host is right again',
    },
  ]),
  ...teethOf('src/signer/accepting.ts', 'test/signer/clock.integration.spec.ts', [
    {
      code: 'clock-not-agreed',
      without: "comparing a quorum's time with the host's",
      was: "if (change.kind !== 'time-set' || clock.agrees(change.timeMs))",
      becomes: 'if (clock !== undefined)',
      title: 'a quorum that says the time has the signer trust a host that says the same, and no other',
    },
  ]),
];
