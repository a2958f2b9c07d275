// Vectors of a payment that nobody approves: what it needs is a governor's word about the head of governance, not older than a day.

import type { Certificate } from '../src/core/certificates/certificate.js';
import type { SigningOrder } from '../src/core/authorization/signing-order.js';
import { type HeadStatement, MAX_HEAD_SKEW_MS } from '../src/core/governance/fresh-head.js';
import { adding, bare, reserved, type Vectors } from './certificate-cases.js';
import { type Deployment, makeOfficer, type Officer } from './deployment.js';
import { rejournaled } from './forged-pages.js';

const DAY_MS = 24 * 3_600_000;

export function vouchedVectors(vectors: Vectors, deployment: Deployment, one: Certificate): void {
  const { order, at } = one.reservation;
  const { head, ...wordless } = order;
  if (!head) throw new Error('nobody vouched for it');
  const saying = (altered: Partial<HeadStatement>, officer: Officer = deployment.bob) =>
    withOrder(one, { ...order, head: deployment.word(officer, { ...head.statement, ...altered }) });
  const add = adding(vectors);
  add('no-word', withOrder(one, wordless), "no governor's word about the head", 'head-missing');
  add(
    'word-too-old',
    saying({ createdAtMs: at.wallMs - DAY_MS }),
    "a governor's word that is a day old",
    'head-stale',
  );
  add(
    'word-too-new',
    saying({ createdAtMs: at.wallMs + MAX_HEAD_SKEW_MS + 1 }),
    "a governor's word of a millisecond later than a clock may be ahead",
    'head-unknown',
  );
  add(
    'word-about-another-head',
    saying({ head: 'ab'.repeat(32) }),
    "a governor's word about an entry that the log has not",
    'head-unknown',
  );
  add(
    'word-of-a-stranger',
    saying({}, makeOfficer('mallory')),
    'a word of somebody whom governance does not know',
    'head-signer-not-governor',
  );
  add(
    'word-not-signed',
    withOrder(one, {
      ...order,
      head: { ...head, statement: { ...head.statement, createdAtMs: at.wallMs - 1 } },
    }),
    "a governor's word with another time than was signed",
    'head-signature-invalid',
  );
  vectors.add(
    'word-as-old-as-allowed',
    rejournaled([saying({ createdAtMs: at.wallMs - DAY_MS + 1 })]),
    "a governor's word that is a day old but for a millisecond",
    'unattested',
  );
}

function withOrder(one: Certificate, order: SigningOrder): Certificate {
  return reserved(bare(one), { order });
}
