// When was the signer in the middle of a signature? Read from its own journal, after the end: a reservation is written
// before the token is asked and a signature after it has answered, so a kill between the two leaves the former alone.

import Database from 'better-sqlite3';
import { z } from 'zod';
import { transferIdOf } from '../../src/core/statements/request.js';

/** A signature by a token takes far less. */
const LONGEST_SIGNING_MS = 5_000;

export interface SigningWindow {
  readonly transferIds: readonly string[];
  readonly reservedAtMs: number;
  readonly signed: boolean;
}

const entry = z.object({
  kind: z.string(),
  transactionKey: z.string().optional(),
  at: z.object({ wallMs: z.number() }).optional(),
  transfers: z.array(z.object({ requestDigest: z.string() })).optional(),
});

/** Of a signer that does not run. */
export function signingWindows(storePath: string): SigningWindow[] {
  const db = new Database(storePath, { readonly: true });
  try {
    const rows = db.prepare<[], { body: string }>('SELECT body FROM journal ORDER BY sequence').all();
    const entries = rows.map(({ body }) => entry.parse(JSON.parse(body)));
    const signed = new Set(
      entries.flatMap(({ kind, transactionKey }) =>
        kind === 'signed' && transactionKey ? [transactionKey] : [],
      ),
    );
    return entries.flatMap(({ kind, transactionKey = '', at, transfers = [] }) =>
      kind === 'reserved'
        ? [
            {
              transferIds: transfers.map(({ requestDigest }) => transferIdOf(requestDigest)),
              reservedAtMs: at?.wallMs ?? 0,
              signed: signed.has(transactionKey),
            },
          ]
        : [],
    );
  } finally {
    db.close();
  }
}

/** Was the signer killed (at these times) while it signed for this transfer? Only then may nobody know the outcome. */
export function killedWhileSigning(
  windows: readonly SigningWindow[],
  transferId: string,
  killedAtMs: readonly number[],
): boolean {
  return windows.some(
    ({ transferIds, reservedAtMs, signed }) =>
      !signed &&
      transferIds.includes(transferId) &&
      killedAtMs.some((atMs) => atMs >= reservedAtMs && atMs - reservedAtMs < LONGEST_SIGNING_MS),
  );
}
