// What this side knows of a destination and the time, where policies ask for it: as good a guess as it can make of what the
// signer knows, so that officers are asked for what the signer will want. The signer decides by its own journal and clock.

import type { EntityManager } from 'typeorm';
import { z } from 'zod';
import type { VerifiedRequest } from '../../core/authorization/requests.js';
import { type Certificate, decisionsOf } from '../../core/certificates/certificate.js';
import { knownFrom } from '../../core/certificates/decision.js';
import { lookAlikeOf, spelledAddress } from '../../core/governance/known-addresses.js';
import { whitelistedAt } from '../../core/governance/state.js';
import { askedFor } from '../../core/policy/decide.js';
import { lookOf } from '../../core/policy/looks.js';
import type { Known } from '../../core/policy/types.js';
import { rows, run, sqlInteger } from '../database/sql.js';
import type { Governance } from '../governance/governance.service.js';

const addressRow = z.object({ address: z.string() });

/** Undefined where no rule for the wallet asks. */
export async function knownOf(
  db: EntityManager,
  { state, policies }: Governance,
  { wallet, chain: { chain }, statement }: VerifiedRequest,
  nowMs: number,
): Promise<Known | undefined> {
  if (!askedFor(policies, { wallet: wallet.walletId, tier: wallet.tier }).has('known')) return undefined;
  const address = spelledAddress(chain, statement.destination);
  const [paid] = await rows(
    db,
    addressRow,
    'SELECT address FROM paid_destinations WHERE chain = ? AND address = ?',
    [chain, address],
  );
  const [earliest] = await rows(
    db,
    addressRow,
    'SELECT address FROM paid_destinations WHERE chain = ? AND look = ? ORDER BY signed_at_ms, address LIMIT 1',
    [chain, lookOf(address)],
  );
  const listed = whitelistedAt(state, { chain, address, tier: wallet.tier }, nowMs);
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
    lookAlikeOf: lookAlikeOf(state, chain, address, earliest?.address),
    // The signer measures it from when it took the entry in; here nobody knows how long it ran since the entry was mirrored.
    whitelist: listed && {
      entryId: listed.entryId,
      label: listed.label,
      ageMs: Math.max(0, nowMs - (mirrored?.mirrored_at_ms ?? nowMs)),
    },
  };
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
    const { chain, destination } = request.statement;
    const address = spelledAddress(chain, destination);
    await run(
      db,
      'INSERT INTO paid_destinations (chain, address, look, signed_at_ms) VALUES (?, ?, ?, ?) ON CONFLICT (chain, address) DO NOTHING',
      [chain, address, lookOf(address), nowMs],
    );
  }
}
