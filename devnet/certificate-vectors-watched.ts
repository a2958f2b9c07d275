// Vectors of what watchers say, and of a token: genuine certificates of certificates-watched.ts, and what somebody who has the watchers'
// keys as well makes of them. What each comes to follows from docs/facts.md, docs/policies.md and the codes of matching.

import type { Certificate } from '../src/core/certificates/certificate.js';
import { type FactContent, type SignedFact } from '../src/core/facts/fact.js';
import { factBy, type Watching, watching } from '../src/core/facts/facts.fixture.js';
import { MAX_FACT_SKEW_MS } from '../src/core/facts/verify.js';
import { adding, at, bare, reserved, type Vectors } from './certificate-cases.js';
import {
  balanceOf,
  codeWith,
  ETHER_PAID,
  MAX_AGE_MS,
  PAID,
  priceOf,
  TOKEN_CALL,
  USDX_PAID,
  WATCHERS,
} from './certificates-watched.js';
import { ETHEREUM, TOKEN_CONTRACT } from './deployment.js';
import { rejournaled } from './forged-pages.js';
import { eip1559, erc20Approve, erc20Transfer } from './transactions.js';

const OTHER_ADDRESS = '0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC';
const OTHER = 'ab'.repeat(32);

type Order = Certificate['reservation']['order'];

function ordered(one: Certificate, changes: Partial<Order>): Certificate {
  return reserved(bare(one), { order: { ...one.reservation.order, ...changes } });
}

function factsOf({ reservation }: Certificate): readonly SignedFact[] {
  const { facts } = reservation.order;
  if (!facts) throw new Error('a certificate without facts');
  return facts;
}

function isOf({ statement }: SignedFact, kind: FactContent['kind'], who?: Watching): boolean {
  return statement.content.kind === kind && (who === undefined || statement.keyId === who.key.keyId);
}

/** Each as this makes of it; undefined leaves it out. */
function refacted(one: Certificate, altered: (fact: SignedFact) => SignedFact | undefined): Certificate {
  const facts = factsOf(one).flatMap((fact) => altered(fact) ?? []);
  if (facts.length > 0) return ordered(one, { facts });
  const { facts: _, ...order } = one.reservation.order;
  return reserved(bare(one), { order });
}

/** Signed anew, as of the same time and with the same number unless it is said. */
function resigned(
  { statement }: SignedFact,
  who: Watching,
  content: FactContent = statement.content,
  changes: { readonly observedAtMs?: number; readonly deploymentId?: string } = {},
): SignedFact {
  const { sequence, observedAtMs, deploymentId } = statement;
  return factBy(who, content, { sequence, observedAtMs, deploymentId, ...changes });
}

/** What one watcher, or each, would have said of one kind. */
function saying(one: Certificate, content: FactContent, ...watchers: readonly Watching[]): Certificate {
  return refacted(one, (fact) => {
    const who = watchers.find((watcher) => isOf(fact, content.kind, watcher));
    return who ? resigned(fact, who, content) : fact;
  });
}

function notHeard(one: Certificate, kind: FactContent['kind'], who?: Watching): Certificate {
  return refacted(one, (fact) => (isOf(fact, kind, who) ? undefined : fact));
}

function unbelievable(vectors: Vectors, one: Certificate): void {
  const add = adding(vectors);
  const decidedAtMs = one.reservation.at.wallMs;
  const { one: first, two: second } = WATCHERS;
  const price = (altered: (fact: SignedFact) => SignedFact) =>
    refacted(one, (fact) => (isOf(fact, 'price', first) ? altered(fact) : fact));
  const seenAt = (observedAtMs: number) =>
    price((fact) => resigned(fact, first, fact.statement.content, { observedAtMs }));
  add(
    'fact-altered',
    price((fact) => ({ ...fact, statement: { ...fact.statement, content: priceOf('native', '2499') } })),
    'a price is another one than its watcher signed',
    'fact-signature-invalid',
  );
  add(
    'fact-by-another-key',
    price((fact) => resigned(fact, watching(first.key.keyId))),
    'a price is signed by a key that took the name of a registered one',
    'fact-signature-invalid',
  );
  add(
    'fact-by-no-key-of-governance',
    price((fact) => resigned(fact, watching('watcher-3'))),
    'a price is signed by a key that governance never registered',
    'fact-key-unknown',
  );
  add(
    'fact-of-another-deployment',
    price((fact) => resigned(fact, first, fact.statement.content, { deploymentId: OTHER })),
    'a price was stated for another deployment',
    'fact-other-deployment',
  );
  add(
    'fact-beyond-its-key',
    price((fact) =>
      resigned(fact, first, {
        kind: 'screening',
        chain: ETHEREUM,
        address: PAID.toLowerCase(),
        result: 'clear',
        riskScore: 0,
      }),
    ),
    'a watcher speaks of what its key may not speak of',
    'fact-kind-not-allowed',
  );
  add(
    'fact-twice',
    ordered(one, {
      facts: [...factsOf(one), ...factsOf(one).filter((fact) => isOf(fact, 'price', second))],
    }),
    'one key speaks twice of one price',
    'fact-duplicate',
  );
  add(
    'fact-too-old',
    seenAt(decidedAtMs - MAX_AGE_MS - 1),
    'a price is a millisecond older than governance allows',
    'fact-too-old',
  );
  add(
    'fact-too-new',
    seenAt(decidedAtMs + MAX_FACT_SKEW_MS + 1),
    'a price was seen a millisecond later than a clock may be ahead',
    'fact-from-the-future',
  );
  for (const [name, observedAtMs, why] of [
    ['fact-as-old-as-allowed', decidedAtMs - MAX_AGE_MS, 'a price is as old as governance allows'],
    ['fact-as-new-as-allowed', decidedAtMs + MAX_FACT_SKEW_MS, 'a clock is ahead as far as it may be'],
  ] as const) {
    vectors.add(name, rejournaled([seenAt(observedAtMs)]), why, 'unattested');
  }
}

function insufficient(vectors: Vectors, one: Certificate): void {
  const add = adding(vectors);
  const { one: first, two: second, spare } = WATCHERS;
  add(
    'no-facts',
    refacted(one, () => undefined),
    'no watcher says anything',
    'fact-missing',
  );
  add(
    'one-watcher-of-a-price',
    notHeard(one, 'price', second),
    'one source states the price, and governance wants two',
    'fact-missing',
  );
  add(
    'one-watcher-of-a-balance',
    notHeard(one, 'balance', second),
    'one source states the balance that a limit is a share of, and governance wants two',
    'fact-missing',
  );
  add(
    'two-keys-of-one-source',
    refacted(one, (fact) => (isOf(fact, 'price', first) ? resigned(fact, spare) : fact)),
    'two keys state the price, and both are of one source',
    'fact-missing',
  );
  // 0.01 ETH of 20000 USD are worth 200 USD, and the rule is up to 100.
  add(
    'prices-apart',
    saying(one, priceOf('native', '20000'), second),
    'by one source it is worth more than the rule allows',
    'facts-disagree',
  );
  add(
    'worth-too-much',
    saying(one, priceOf('native', '20000'), first, second),
    'by both sources it is worth more than the rule allows',
    'policy-refused',
  );
  // It charges 0.015 ETH with what it may cost: a fifth of 0.0749 ETH is less.
  add(
    'share-too-large',
    saying(one, balanceOf(749n * 10n ** 14n), second),
    'by the stricter source it is a larger share of the balance than the limit allows',
    'limit-exceeded',
  );
  add(
    'other-balance',
    saying(one, balanceOf(8n * 10n ** 17n), second),
    'the limit is said to be a share of another balance',
    'certificate-decision-mismatch',
  );
  vectors.add(
    'other-price',
    rejournaled([saying(one, priceOf('native', '2400'), first)]),
    "whoever has a watcher's key states another price, by which the decision is the same",
    'unattested',
  );
}

function ofTheToken(vectors: Vectors, one: Certificate): void {
  const add = adding(vectors);
  const { one: first, two: second } = WATCHERS;
  const calling = (changes: Parameters<typeof eip1559>[0]) =>
    ordered(one, {
      transaction: eip1559({ ...TOKEN_CALL, data: erc20Transfer(PAID, USDX_PAID), ...changes }),
    });
  add(
    'token-of-another-contract',
    calling({ to: OTHER_ADDRESS }),
    'the contract that is called is none that governance registered',
    'token-not-registered',
  );
  add(
    'token-to-another',
    calling({ data: erc20Transfer(OTHER_ADDRESS, USDX_PAID) }),
    'the token goes to somebody else',
    'destination-mismatch',
  );
  add(
    'token-of-another-amount',
    calling({ data: erc20Transfer(PAID, USDX_PAID + 1n) }),
    'one unit more of the token moves',
    'amount-mismatch',
  );
  add(
    'token-approved',
    calling({ data: erc20Approve(PAID, USDX_PAID) }),
    'the token is not paid: somebody may take it',
    'selector-not-allowed',
  );
  add('token-with-ether', calling({ value: 1n }), 'ether moves with the token', 'value-with-calldata');
  add(
    'ether-for-the-token',
    calling({ to: PAID, value: USDX_PAID / 10n ** 3n, data: '0x' }),
    'ether moves, and the token was asked for',
    'asset-mismatch',
  );
  const [transfer] = one.reservation.order.transfers;
  if (!transfer) throw new Error('no transfer');
  const { statement } = transfer.request;
  add(
    'token-asked-otherwise',
    ordered(one, {
      transfers: [
        {
          ...transfer,
          request: { ...transfer.request, statement: { ...statement, destination: OTHER_ADDRESS } },
        },
      ],
      transaction: eip1559({ ...TOKEN_CALL, data: erc20Transfer(OTHER_ADDRESS, USDX_PAID) }),
    }),
    'the token goes to somebody else, and the request says so too, which nobody signed',
    'request-signature-invalid',
  );
  add(
    'code-not-stated',
    notHeard(one, 'code'),
    'nobody states the code of the token, and governance wants two',
    'fact-missing',
  );
  add(
    'code-stated-once',
    notHeard(one, 'code', second),
    'one source states the code of the token, and governance wants two',
    'fact-missing',
  );
  add(
    'code-apart',
    saying(one, codeWith(OTHER), second),
    'by one source the token has another code than was registered',
    'facts-disagree',
  );
  add(
    'code-changed',
    saying(one, codeWith(OTHER), first, second),
    'by both sources the token has another code than was registered',
    'token-changed',
  );
}

export function watchedVectors(vectors: Vectors, all: readonly Certificate[]): void {
  const [priced, token] = [at(all, 11), at(all, 12)];
  vectors.add('facts', [priced], `${ETHER_PAID} wei by what two watchers say of price and balance`);
  vectors.add('token', [token], `a token at ${TOKEN_CONTRACT}, with its code as two watchers state it`);
  vectors.add(
    'facts-not-attested',
    [bare(priced)],
    'as it comes with the signature, with facts',
    'unattested',
  );
  unbelievable(vectors, priced);
  insufficient(vectors, priced);
  ofTheToken(vectors, token);
}
