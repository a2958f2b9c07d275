// Rows that change, or that no record has all of, against what cannot: a transfer against its id and its newest transition, a
// signed transaction against the record of its signature, a proposal against its id. Whatever stands there is named, and stops
// nothing. That records and log agree is for the rest of fsck.

import type { EntityManager } from 'typeorm';
import { z } from 'zod';
import { GOVERNANCE_TYPE } from '../../core/governance/entry.js';
import type { CanonicalValue } from '../../core/statements/canonical-json.js';
import { canonicalDigest, claimedDigest } from '../../core/statements/claimed-digest.js';
import { REQUEST_TYPE, transferIdOf } from '../../core/statements/request.js';
import { rows } from '../database/sql.js';

/** A row that says something else than it did, or is gone, by what of it does not agree. */
export interface RowFinding {
  readonly kind: 'row-differs';
  readonly table: 'transfers' | 'transactions' | 'transaction_transfers' | 'governance_proposals';
  readonly key: string;
  readonly column: string;
}

type Row = Readonly<Record<string, unknown>> & { readonly row_key: string };
type Members = Readonly<Record<string, CanonicalValue>>;

const PAGE = 256;
const anyRow = z.looseObject({ row_key: z.string() });
const linkRow = z.object({ transaction_key: z.string(), transfer_id: z.string() });

/** The rows of a statement that has `row_key`, page after page. */
async function* pagesOf(db: EntityManager, select: string): AsyncGenerator<readonly Row[]> {
  for (let after = ''; ; ) {
    const page = await rows(
      db,
      anyRow,
      `SELECT * FROM (${select}) r WHERE row_key > ? ORDER BY row_key LIMIT ${PAGE}`,
      [after],
    );
    if (page.length > 0) yield page;
    if (page.length < PAGE) return;
    after = page.at(-1)?.row_key ?? '';
  }
}

/** Of JSON that has been anybody's; none where it is no object. */
function membersOf(text: unknown): Members {
  try {
    const value: unknown = typeof text === 'string' ? JSON.parse(text) : undefined;
    return isMembers(value) ? value : {};
  } catch {
    // No JSON: it says nothing, which is what is named.
    return {};
  }
}

function isMembers(value: unknown): value is Members {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function memberOf(members: Members, name: string): Members {
  const value: unknown = members[name];
  return isMembers(value) ? value : {};
}

/** One of the databases gives integers as text. */
function textOf(value: unknown): string {
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? '');
}

/** Columns of a transfer, and the member of its request that each repeats. */
const REPEATED = {
  request_id: 'requestId',
  chain: 'chain',
  wallet_id: 'wallet',
  requester: 'requester',
  customer: 'customer',
  expires_at_ms: 'expiresAtMs',
} as const;
/** Columns of a transfer that its newest transition has, too. */
const MOVED = { state: 'to_state', reason: 'moved_reason', facts: 'moved_facts' } as const;

const TRANSFERS = `SELECT t.transfer_id AS row_key, t.request_id, t.request, t.request_digest, t.chain, t.wallet_id, t.requester, t.customer,
    t.expires_at_ms, t.state, t.reason, t.facts, m.to_state, m.reason AS moved_reason, m.facts AS moved_facts
  FROM transfers t LEFT JOIN transitions m ON m.transfer_id = t.transfer_id AND m.version = t.version`;

function wrongOfTransfer(row: Row): string[] {
  const moved = Object.entries(MOVED).filter(([column, of]) => row[column] !== row[of]);
  const statement = memberOf(membersOf(row['request']), 'statement');
  const digest = claimedDigest(REQUEST_TYPE, statement);
  // What it is held against is wrong itself.
  const isRequest = digest !== undefined && transferIdOf(digest) === row.row_key;
  const repeated = isRequest
    ? Object.entries(REPEATED).filter(([column, of]) => textOf(row[column]) !== textOf(statement[of]))
    : [];
  return [
    ...(isRequest ? [] : ['request']),
    ...(isRequest && digest !== row['request_digest'] ? ['request_digest'] : []),
    ...[...repeated, ...moved].map(([column]) => column),
  ];
}

const SIGNED = `SELECT s.transaction_key AS row_key, s.transfers, s.certificate_sha256, s.transaction_id AS signed_id, s.wallet_id AS signed_wallet,
    t.certificate, t.signed_hex, t.transaction_id, t.wallet_id
  FROM signatures s LEFT JOIN transactions t ON t.transaction_key = s.transaction_key`;

function wrongOfTransaction(row: Row): string[] {
  const { attestation: _, ...certificate } = membersOf(row['certificate']);
  const isCertificate = canonicalDigest(certificate) === row['certificate_sha256'];
  const { signedTransaction } = memberOf(certificate, 'outcome');
  return [
    ...(isCertificate ? [] : ['certificate']),
    ...(isCertificate && signedTransaction !== row['signed_hex'] ? ['signed_hex'] : []),
    ...(row['signed_id'] === row['transaction_id'] ? [] : ['transaction_id']),
    ...(row['signed_wallet'] === row['wallet_id'] ? [] : ['wallet_id']),
  ];
}

/** Which of a page of signatures are of other transfers now: what each paid, in its order, and then what it ended as a cancel. */
async function otherTransfers(db: EntityManager, page: readonly Row[]): Promise<readonly string[]> {
  const range = [page[0]?.row_key ?? '', page.at(-1)?.row_key ?? ''];
  const within = 'WHERE transaction_key BETWEEN ? AND ? ORDER BY transaction_key';
  const [paid, ended] = [
    await rows(
      db,
      linkRow,
      `SELECT transaction_key, transfer_id FROM transaction_transfers ${within}, position`,
      range,
    ),
    await rows(db, linkRow, `SELECT transaction_key, transfer_id FROM transaction_cancels ${within}`, range),
  ].map((links) => Map.groupBy(links, (link) => link.transaction_key));
  return page
    .filter(({ row_key: key, transfers }) => {
      const own = paid?.get(key) ?? [];
      const others = ended?.get(key) ?? [];
      const said = listIn(transfers);
      const isOwn = own.every((link, at) => link.transfer_id === said[at]);
      const rest = said.slice(own.length);
      return (
        !isOwn || rest.length !== others.length || !others.every((link) => rest.includes(link.transfer_id))
      );
    })
    .map(({ row_key }) => row_key);
}

function listIn(text: unknown): readonly unknown[] {
  const { list } = membersOf(`{"list":${String(text)}}`);
  return Array.isArray(list) ? list : [];
}

/** From both tables, so that one that is gone from either is named. */
const PROPOSALS = `SELECT k.proposal_id AS row_key, p.sequence, p.body, p.proposed_by, a.person_id
  FROM (SELECT proposal_id FROM governance_proposals UNION SELECT proposal_id FROM governance_acts) k
  LEFT JOIN governance_proposals p ON p.proposal_id = k.proposal_id
  LEFT JOIN governance_acts a ON a.proposal_id = k.proposal_id AND a.act = 'proposed'`;

function wrongOfProposal(row: Row): string[] {
  const body = membersOf(row['body']);
  if (claimedDigest(GOVERNANCE_TYPE, body) !== row.row_key) return ['body'];
  return [
    ...(textOf(row['sequence']) === textOf(body['sequence']) ? [] : ['sequence']),
    ...(row['proposed_by'] === row['person_id'] ? [] : ['proposed_by']),
  ];
}

function findingsOf(
  table: RowFinding['table'],
  page: readonly Row[],
  wrong: (row: Row) => readonly string[],
): RowFinding[] {
  return page.flatMap((row) =>
    wrong(row).map((column): RowFinding => ({ kind: 'row-differs', table, key: row.row_key, column })),
  );
}

/** Every row that does not agree. What moves meanwhile is seen as it was at some moment. */
export async function* rowFindings(db: EntityManager): AsyncGenerator<RowFinding> {
  for await (const page of pagesOf(db, TRANSFERS)) yield* findingsOf('transfers', page, wrongOfTransfer);
  for await (const page of pagesOf(db, SIGNED)) {
    yield* findingsOf('transactions', page, wrongOfTransaction);
    for (const key of await otherTransfers(db, page))
      yield { kind: 'row-differs', table: 'transaction_transfers', key, column: 'transfer_id' };
  }
  for await (const page of pagesOf(db, PROPOSALS))
    yield* findingsOf('governance_proposals', page, wrongOfProposal);
}
