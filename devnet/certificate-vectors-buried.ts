// Vectors of a transfer that was paid again after a burial: the genuine certificates of certificates-watched.ts, and what somebody
// who has the officers' keys as well makes of them. What each comes to follows from docs/certificates.md and docs/api.md.

import { type Certificate, decisionsOf } from '../src/core/certificates/certificate.js';
import { type BurialStatement, MAX_BURIAL_LIFETIME_MS } from '../src/core/recovery/burial.js';
import { adding, at, bare, type Vectors } from './certificate-cases.js';
import { burialBy } from './certificates-watched.js';
import type { Deployment, Officer } from './deployment.js';

const OTHER = 'ab'.repeat(32);

/** A word that a quorum signed, and that is about nothing which frees the transfer to be paid again. */
function inTheChain(
  vectors: Vectors,
  all: readonly Certificate[],
  saidBy: (changes: Partial<BurialStatement>) => Certificate,
  { conflicting }: BurialStatement,
): void {
  const chained = (name: string, changes: Partial<BurialStatement>, why: string) =>
    vectors.add(
      name,
      [...all.slice(0, -1), saidBy(changes)],
      why,
      'refused',
      ['certificate-paid-twice'],
      true,
    );
  const { transactionKey, outcome } = { ...at(all, 11), ...at(all, 11).reservation };
  if (outcome.kind !== 'signed') throw new Error('not signed');
  chained(
    'buried-something-else',
    { dead: [transactionKey] },
    'a quorum says that another transaction is dead, and the first was never said to be',
  );
  chained(
    'buried-by-what-does-not-conflict',
    { conflicting: { ...conflicting, transactionKey, transactionId: outcome.transactionId } },
    'what lies in the chain has another nonce than what is said to be dead: both can be mined',
  );
  chained(
    'buried-by-what-was-never-signed',
    {
      conflicting: {
        ...conflicting,
        transactionKey: `ethereum:hot-eth:${OTHER}`,
        transactionId: `0x${OTHER}`,
      },
    },
    "what is said to lie in the chain is none of the signer's",
  );
  chained(
    'buried-by-itself',
    {
      conflicting: {
        ...conflicting,
        transactionKey: at(all, 13).reservation.transactionKey,
        transactionId: `0x${OTHER}`,
      },
    },
    'what lies in the chain paid the transfer: it is not dead',
  );
}

/** All of them; the newest is the one that was paid again. */
export function buriedVectors(vectors: Vectors, deployment: Deployment, all: readonly Certificate[]): void {
  vectors.add('dead', [at(all, 13)], 'signed, and never to be mined');
  vectors.add('mined-instead', [at(all, 14)], 'the cancel that was mined instead');
  vectors.add('paid-again', [at(all, 15)], 'paid once more, after a quorum said that the first is dead');
  const add = adding(vectors);
  const one = at(all, 15);
  const [burial] = one.burials;
  if (!burial) throw new Error('no burial');
  const { statement } = burial;
  const officers = [deployment.alice, deployment.bob];
  const saidBy = (changes: Partial<BurialStatement>, by: readonly Officer[] = officers) => ({
    ...bare(one),
    burials: [burialBy({ ...statement, ...changes }, by)],
  });
  const { conflicting } = statement;
  add(
    'buried-by-nobody',
    { ...bare(one), burials: [] },
    'nobody says that the first is dead',
    'certificate-burial-missing',
  );
  add(
    'buried-another-transfer',
    saidBy({ transferIds: decisionsOf(at(all, 11)).map(({ transferId }) => transferId) }),
    'a quorum says so of another transfer',
    'certificate-burial-missing',
  );
  add(
    'buried-under-another-log',
    saidBy({ governanceHead: OTHER }),
    'a quorum says so under an entry that is not in the log',
    'certificate-burial-missing',
  );
  add('buried-by-one', saidBy({}, [deployment.alice]), 'one officer says so', 'governance-quorum-missing');
  add(
    'buried-otherwise',
    {
      ...bare(one),
      burials: [{ ...burial, statement: { ...statement, dead: [conflicting.transactionKey] } }],
    },
    'another transaction is said to be dead than the quorum signed',
    'governance-signature-invalid',
  );
  add(
    'buried-elsewhere',
    saidBy({ deploymentId: OTHER }),
    'a quorum says so of another deployment',
    'burial-other-deployment',
  );
  add(
    'buried-shallow',
    saidBy({ conflicting: { ...conflicting, confirmations: 63 } }),
    'what conflicts lies one block less deep than it has to',
    'burial-too-shallow',
  );
  add(
    'buried-for-long',
    saidBy({ expiresAtMs: statement.createdAtMs + MAX_BURIAL_LIFETIME_MS + 1 }),
    'the word is good for a millisecond longer than any may be',
    'burial-expired',
  );
  inTheChain(vectors, all, saidBy, statement);
}
