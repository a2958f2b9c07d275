// What the signer tells of itself and of what it has done for a transfer. Reads only.

import { Fault } from '../core/fault.js';
import type { GovernanceState } from '../core/governance/state.js';
import type { SignatureVerifier } from '../core/statements/signature.js';
import type { SignatureArithmetic } from '../platform/signature-arithmetic.js';
import type { StatusResult, TransactionRecord, TransferRecord } from '../signer-protocol/messages.js';
import { pendingReports } from './accepting.js';
import type { Anchor } from './anchor.js';
import type { KnownTransaction } from './ledger.js';
import type { Token } from './self-check.js';
import type { SignerClock } from './signer-clock.js';
import type { SignerStore } from './store.js';
import { SIGNER_VERSION } from './version.js';

/** What the signer is put together from. */
export interface SignerParts {
  readonly store: SignerStore;
  readonly clock: SignerClock;
  readonly verifier: SignatureVerifier;
  readonly arithmetic: SignatureArithmetic;
  readonly anchor: Anchor;
  /** Tokens by the name that governance's wallets use. */
  readonly tokens: ReadonlyMap<string, Token>;
}

function stateOf({ ended, signedSequence }: KnownTransaction): TransactionRecord['state'] {
  return ended ?? (signedSequence === undefined ? 'reserved' : 'signed');
}

/** All that was reserved or signed to pay or to cancel a transfer, and what it comes to. */
export function transferRecordOf(store: SignerStore, transferId: string): TransferRecord {
  const { ledger } = store;
  const buried = new Set(ledger.burialsOf(transferId).map(({ transactionKey }) => transactionKey));
  const recordAs = (purpose: TransactionRecord['purpose']) => (known: KnownTransaction) => ({
    transactionKey: known.transactionKey,
    purpose,
    state: buried.has(known.transactionKey) ? ('buried' as const) : stateOf(known),
    transactionId: known.transactionId ?? null,
  });
  const paying = ledger.transactionsOf(transferId).map(recordAs('pays'));
  return {
    transferId,
    state: ledger.voidSequenceOf(transferId) === undefined ? ledger.pastOf(transferId) : 'void',
    transactionIds: paying.flatMap(({ transactionId }) => transactionId ?? []),
    transactions: [...paying, ...ledger.cancelsOf(transferId).map(recordAs('cancels'))],
  };
}

export async function statusOf(
  { store, clock, anchor, tokens }: SignerParts,
  state: GovernanceState,
  transferIds: readonly string[],
  checkpoints: Pick<StatusResult, 'checkpoint' | 'auditKeyFault'>,
): Promise<StatusResult> {
  const head = store.head();
  const reports = await Promise.all(
    [...tokens].map(async ([name, token]) => {
      try {
        const { label, serial, model, manufacturer, loggedIn } = await token.signer.status();
        return { name, ready: loggedIn, label, serial, model, manufacturer };
      } catch (error) {
        const fault = error instanceof Fault ? error.code : 'internal';
        return { name, ready: false, label: '', serial: '', model: '', manufacturer: '', fault };
      }
    }),
  );
  // Whoever hears of a reservation or a signature may act on it.
  await store.durable();
  const now = clock.now();
  return {
    signerVersion: SIGNER_VERSION,
    deploymentId: state.deploymentId,
    governanceSequence: state.sequence,
    governanceHead: state.head,
    policyHash: state.policyHash,
    journalSequence: head.sequence,
    journalHead: head.hash,
    anchoredSequence: anchor.coveredSequence(),
    ...checkpoints,
    nowMs: now.wallMs,
    pending: pendingReports(state, store, now),
    tokens: reports,
    nonces: [...state.wallets.values()]
      .filter((wallet) => state.chains.get(wallet.chain)?.family === 'ethereum')
      .map(({ walletId }) => ({ walletId, next: Number(store.ledger.nextNonce(walletId)) })),
    transfers: transferIds.map((transferId) => transferRecordOf(store, transferId)),
  };
}
