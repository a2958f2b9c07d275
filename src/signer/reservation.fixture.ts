// Reservations as the ledger looks at them, and no more than that.

import { createHash } from 'node:crypto';
import type { Reservation, ReservedTransfer } from '../core/certificates/reservation.js';
import type { Ledger } from './ledger.js';

export const hashOf = (text: string) => createHash('sha256').update(text).digest('hex');

/** `name` makes the transaction's key; `charges` are those of each transfer. It comes next in what `ledger` says of a journal. */
export function reservation(
  ledger: Ledger,
  name: string,
  transferIds: readonly string[],
  spends: readonly string[],
  charges: ReservedTransfer['charges'] = [],
  walletId = 'hot-btc',
): Reservation {
  const statement = { asset: { kind: 'native' }, amount: '1', chain: 'bip122:aa', destination: `to-${name}` };
  return {
    kind: 'reserved',
    at: { wallMs: 1, measuredMs: 1 },
    ...ledger.nextReservation(),
    transactionKey: `bitcoin:${hashOf(name)}`,
    walletId,
    order: { wallet: walletId, transfers: transferIds.map(() => ({ request: { statement } })) },
    spends,
    nonce: null,
    transfers: transferIds.map((transferId) => ({
      requestId: transferId,
      requestDigest: hashOf(transferId),
      feeCeiling: '1',
      decision: { transferId },
      charges,
    })),
  } as unknown as Reservation;
}
