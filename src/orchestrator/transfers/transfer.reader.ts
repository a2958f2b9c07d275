// Views of transfers, put together from the database. For showing only.

import type { EntityManager } from 'typeorm';
import { z } from 'zod';
import { accepted, type Outcome, refused } from '../../core/fault.js';
import { classesHeld, type GovernanceState } from '../../core/governance/state.js';
import { missingApprovals } from '../../core/policy/approvals.js';
import { givenApprovalDigest, statementDigest } from '../../core/statements/approval.js';
import { transferId } from '../../core/statements/request.js';
import { approvalOf, approvalRows } from './approval.store.js';
import { spendableOf } from './spendable.js';
import { type TransactionRow, TransferRow, TransitionRow } from './transfer.entity.js';
import { transactionsOf, transferIdsOf } from './transfer.store.js';
import type {
  ApprovalsView,
  TransactionView,
  TransferFilter,
  TransferPage,
  TransferSummary,
  TransferView,
  TransitionView,
} from './transfer.view.js';
import { transferStates } from './transfer-states.js';

const DEFAULT_PAGE = 50;
const MAX_PAGE = 200;

const state = z.enum(transferStates);
/** Where a page ended: the time and id of its last transfer. */
const position = z.tuple([z.int().min(0), transferId]);

export function summaryOf(row: TransferRow): TransferSummary {
  const { statement } = row.request;
  return {
    transferId: row.transferId,
    requestId: row.requestId,
    requestDigest: row.requestDigest,
    state: row.state,
    reason: { code: row.reason, facts: row.facts },
    waitingFor: row.waitingFor,
    kind: statement.kind,
    chain: statement.chain,
    wallet: statement.wallet,
    asset: statement.asset,
    amount: statement.amount,
    destination: statement.destination,
    feeCeiling: statement.feeCeiling,
    keyId: statement.keyId,
    requester: statement.requester,
    customer: statement.customer,
    receivedAtMs: row.receivedAtMs,
    updatedAtMs: row.updatedAtMs,
    expiresAtMs: row.expiresAtMs,
  };
}

export async function viewOf(
  db: EntityManager,
  row: TransferRow,
  governance: GovernanceState,
): Promise<TransferView> {
  const transitions = await db.find(TransitionRow, {
    where: { transferId: row.transferId },
    order: { version: 'ASC' },
  });
  const transactions: TransactionView[] = [];
  for (const one of await transactionsOf(db, row.transferId)) {
    transactions.push(transactionViewOf(one, await transferIdsOf(db, one.transactionKey)));
  }
  return {
    ...summaryOf(row),
    rule: row.decision?.rule ?? null,
    policyHash: row.decision?.policyHash ?? null,
    limits: row.decision?.limits ?? [],
    approvals: await approvalsOf(db, row, governance),
    spendable: spendableOf(transactions),
    void: row.attestedVoid,
    transactions,
    transitions: transitions.map(transitionViewOf),
  };
}

async function approvalsOf(
  db: EntityManager,
  row: TransferRow,
  governance: GovernanceState,
): Promise<ApprovalsView> {
  const { statement } = row;
  const required = row.decision?.requirements ?? [];
  const given = await approvalRows(db, row.transferId, statement);
  const approving = given.filter((one) => one.verdict === 'approve');
  const approvers = approving.map((one) => one.personId);
  const by = classesHeld(
    governance,
    approving.map((one) => one.credentialId),
  );
  const followed = approving.map((one) => ({
    personId: one.personId,
    digest: statement === null ? '' : givenApprovalDigest(approvalOf(one), statement),
  }));
  const after = new Map(
    given.map(({ personId, follows }) => [
      personId,
      new Set(followed.filter(({ digest }) => follows?.includes(digest)).map((one) => one.personId)),
    ]),
  );
  return {
    required,
    given: given.map(({ personId, credentialId, verdict, receivedAtMs }) => ({
      personId,
      credentialId,
      verdict,
      after: [...(after.get(personId) ?? [])],
      atMs: receivedAtMs,
    })),
    missing: missingApprovals(
      required,
      new Set(approvers),
      governance.groups,
      excludedOf(row, governance),
      by,
      after,
    ),
    statement,
    statementDigest: statement === null ? null : statementDigest(statement),
  };
}

/** The requester and the key's owners, who never count. */
function excludedOf({ request }: TransferRow, governance: GovernanceState): ReadonlySet<string> {
  const owners = governance.requestKeys.get(request.statement.keyId)?.owners ?? [];
  return new Set([request.statement.requester, ...owners]);
}

function transactionViewOf(row: TransactionRow, transferIds: readonly string[]): TransactionView {
  return {
    transactionKey: row.transactionKey,
    state: row.state,
    transactionId: row.transactionId,
    transferIds,
    replaces: row.replaces,
    maxFee: row.maxFee.toString(),
    feePaid: row.feePaid?.toString() ?? null,
    blockHash: row.blockHash,
    blockHeight: row.blockHeight,
    confirmations: row.confirmations,
    plannedAtMs: row.plannedAtMs,
    signedAtMs: row.signedAtMs,
    broadcastAtMs: row.broadcastAtMs,
    reason: row.reason === null ? null : { code: row.reason, facts: row.facts },
    certified: row.certificate !== null,
  };
}

function transitionViewOf(row: TransitionRow): TransitionView {
  return {
    sequence: row.version,
    from: row.fromState === null ? null : state.parse(row.fromState),
    to: state.parse(row.toState),
    reason: { code: row.reason, facts: row.facts },
    atMs: row.atMs,
    by: row.movedBy,
  };
}

/** Newest first. Refuses `cursor-invalid`. */
export async function pageOf(
  db: EntityManager,
  filter: TransferFilter,
): Promise<Outcome<TransferPage, 'cursor-invalid'>> {
  const limit = Math.min(Math.max(filter.limit ?? DEFAULT_PAGE, 1), MAX_PAGE);
  const select = db
    .createQueryBuilder(TransferRow, 'transfer')
    .orderBy('transfer.receivedAtMs', 'DESC')
    .addOrderBy('transfer.transferId', 'DESC')
    .limit(limit + 1);
  const { wallet, requesters } = filter;
  const equals = {
    state: filter.state,
    walletId: wallet,
    requester: filter.requester,
    customer: filter.customer,
    requestId: filter.requestId,
  };
  for (const [column, value] of Object.entries(equals)) {
    if (value !== undefined) select.andWhere(`transfer.${column} = :${column}`, { [column]: value });
  }
  if (requesters !== undefined) {
    if (requesters.length === 0) return accepted({ items: [], nextCursor: null });
    select.andWhere('transfer.requester IN (:...requesters)', { requesters });
  }
  if (filter.cursor !== undefined) {
    const after = readCursor(filter.cursor);
    if (after.kind === 'refused') return after;
    const [atMs, id] = after.value;
    select.andWhere(
      '(transfer.receivedAtMs < :atMs OR (transfer.receivedAtMs = :atMs AND transfer.transferId < :id))',
      // Numbers would be written into the text of SQLite's statement.
      { atMs: BigInt(atMs), id },
    );
  }
  const found = await select.getMany();
  const items = found.slice(0, limit);
  const last = items.at(-1);
  const more = found.length > limit && last !== undefined;
  return accepted({ items: items.map(summaryOf), nextCursor: more ? cursorAfter(last) : null });
}

function cursorAfter(row: TransferRow): string {
  return Buffer.from(JSON.stringify([row.receivedAtMs, row.transferId])).toString('base64url');
}

/** Input is hostile. */
function readCursor(cursor: string): Outcome<z.infer<typeof position>, 'cursor-invalid'> {
  try {
    return accepted(position.parse(JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'))));
  } catch {
    // No JSON, or not a position: either way not one of ours.
    return refused('cursor-invalid');
  }
}
