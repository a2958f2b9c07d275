// What this side knows of a destination and the time, where policies ask for it: as good a guess as it can make of what the
// signer knows, so that officers are asked for what the signer will want. The signer decides by its own journal and clock.

import type { EntityManager } from 'typeorm';
import { z } from 'zod';
import type { KnownContent } from '../../core/authorization/requests.js';
import { type Certificate, decisionsOf } from '../../core/certificates/certificate.js';
import { knownFrom } from '../../core/certificates/decision.js';
import { lookAlikeOf, spelledAddress } from '../../core/governance/known-addresses.js';
import { whitelistedAt } from '../../core/governance/state.js';
import { askedFor } from '../../core/policy/decide.js';
import { lookOf } from '../../core/policy/looks.js';
import type { Known } from '../../core/policy/types.js';
import { type KnownFacts, NO_FACTS } from '../../core/facts/verify.js';
import { rows, run, sqlInteger } from '../database/sql.js';
import type { Governance } from '../governance/governance.service.js';
import { type AskedAbout, factsWanted, type Knowledge, verifyRow } from './assess.js';
import type { PipelineParts } from './pipeline.js';
import type { TransferRow } from './transfer.entity.js';

const addressRow = z.object({ address: z.string() });

/** Undefined where no rule for the wallet asks. */
export async function knownOf(
  db: EntityManager,
  { state, policies }: Governance,
  { wallet, chain: { chain }, statement }: KnownContent,
  nowMs: number,
): Promise<Known | undefined> {
  if (!askedFor(policies, { wallet: wallet.walletId, tier: wallet.tier }).has('known')) return undefined;
  const address = spelledAddress(chain, statement.destination);
  const { walletId, tier } = wallet;
  const [paid] = await rows(
    db,
    addressRow,
    'SELECT address FROM paid_by_wallet WHERE wallet_id = ? AND chain = ? AND address = ?',
    [walletId, chain, address],
  );
  const look = lookOf(address);
  const ofWallet = await rows(
    db,
    addressRow,
    'SELECT address FROM paid_by_wallet WHERE wallet_id = ? AND chain = ? AND look = ? ORDER BY signed_at_ms, address LIMIT 1',
    [walletId, chain, look],
  );
  const ofAny = await rows(
    db,
    addressRow,
    'SELECT address FROM paid_by_wallet WHERE chain = ? AND look = ? ORDER BY signed_at_ms, address LIMIT 1',
    [chain, look],
  );
  const place = { chain, address, tier };
  const earliest = [...ofWallet, ...ofAny].map((row) => row.address);
  const listed = whitelistedAt(state, place, nowMs);
  const [mirrored] = listed
    ? await rows(
        db,
        z.object({ mirrored_at_ms: sqlInteger }),
        'SELECT mirrored_at_ms FROM governance_entries WHERE sequence = ?',
        [listed.sequence],
      )
    : [];
  return {
    atMs: nowMs,
    firstUse: paid === undefined,
    lookAlikeOf: lookAlikeOf(state, place, nowMs, earliest),
    // The signer measures it from when it took the entry in; here nobody knows how long it ran since the entry was mirrored.
    whitelist: listed && {
      entryId: listed.entryId,
      label: listed.label,
      ageMs: Math.max(0, nowMs - (mirrored?.mirrored_at_ms ?? nowMs)),
    },
  };
}

/** What is known for one transfer, of facts what was heard lately: whoever asks has them gathered before. */
export async function knowledgeOf(
  db: EntityManager,
  { facts, clock }: Pick<PipelineParts, 'facts' | 'clock'>,
  governance: Governance,
  request: AskedAbout,
  nowMs: number,
): Promise<Knowledge> {
  return {
    known: await knownOf(db, governance, request, nowMs),
    facts: factsOf({ facts, clock }, governance, request),
  };
}

/** Facts are old by the time at which they were signed, which may be a little ahead of when a step began. */
export function factsOf(
  { facts, clock }: Pick<PipelineParts, 'facts' | 'clock'>,
  governance: Governance,
  request: AskedAbout,
): KnownFacts {
  if (!facts.isServed) return NO_FACTS;
  const subjects = factsWanted(governance, request);
  return facts.known(governance.state, subjects, request.transferId, clock.nowMs());
}

/** Has watchers asked about what policy could want to know of these. Network: never in a transaction. */
export async function gatherFor(
  { facts, governance, verifier, clock }: PipelineParts,
  transfers: readonly Pick<TransferRow, 'request' | 'transferId'>[],
): Promise<readonly string[]> {
  if (!facts.isServed || transfers.length === 0) return [];
  const now = governance.now();
  const subjects = transfers.flatMap((row) => {
    const verified = verifyRow(now, row, verifier, clock.nowMs(), true);
    return verified.kind === 'refused' ? [] : factsWanted(now, verified.value);
  });
  await facts.gather(subjects);
  return subjects;
}

/** What the signer knew when it signed for a transfer: it judges what replaces that by the same. */
export function knownThen(certificate: Certificate, transferId: string): Known | undefined {
  const knew = decisionsOf(certificate).find((decision) => decision.transferId === transferId)?.knew;
  return knew && knownFrom(knew);
}

/** Remembers whom a signed transaction pays. */
export async function rememberPaid(
  db: EntityManager,
  { reservation }: Certificate,
  nowMs: number,
): Promise<void> {
  for (const { request } of reservation.order.transfers) {
    const { wallet, chain, destination } = request.statement;
    const address = spelledAddress(chain, destination);
    await run(
      db,
      'INSERT INTO paid_by_wallet (wallet_id, chain, address, look, signed_at_ms) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING',
      [wallet, chain, address, lookOf(address), nowMs],
    );
  }
}
