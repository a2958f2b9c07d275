// The ways that lead on from where a transfer stands, in words for the person who has to choose: which are open, why, and what a
// wrong choice would cost. Pure. What is really allowed is said by whoever is asked then: the signer, the state machine.

import type { BurialStatement } from '../../core/recovery/burial.js';
import { LEAST_CONFIRMATIONS } from '../../core/recovery/burial.js';
import type { TransferRecord } from '../../signer-protocol/messages.js';
import type { TransferRow } from '../transfers/transfer.entity.js';
import { isFinished } from '../transfers/transfer-states.js';
import type { Contest } from './cancels.js';
import { VOIDABLE } from './voids.js';
import type { WayName, WaysOutView } from './ways-out.dto.js';

export interface Known {
  readonly row: Pick<TransferRow, 'transferId' | 'state' | 'attestedVoid' | 'reason'>;
  readonly contest: Contest;
  /** Undefined when the signer does not answer. */
  readonly record: TransferRecord | undefined;
  /** How deep the transaction lies that conflicts with what was signed; undefined when there is none. */
  readonly winner: { readonly confirmations: number } | undefined;
  readonly burial: BurialStatement | undefined;
  readonly chain: string;
}

type Way = WaysOutView['ways'][number];

function open(way: WayName, why: string, cost: string): Way {
  return { way, open: true, why, cost };
}

function closed(way: WayName, why: string, cost: string): Way {
  return { way, open: false, why, cost };
}

export function waysOf(known: Known): Way[] {
  return [wait(known), askSigner(known), voidIt(known), cancel(known), bury(known), ...record(known)];
}

function wait({ row: { state } }: Known): Way {
  const cost = 'Nothing. What was signed stays spendable meanwhile.';
  return isFinished(state)
    ? closed('wait', `It is ${state}: nothing goes on by itself.`, cost)
    : open('wait', `It is ${state}: it goes on by itself.`, cost);
}

function askSigner({ row: { state }, contest: { rivals } }: Known): Way {
  const cost =
    'Harmless: the same bytes get the same answer. It may be paid then, if its request still lives.';
  const unanswered = rivals.some((one) => one.state === 'indeterminate' && one.signedHex === null);
  return state === 'indeterminate' && unanswered
    ? open('ask-signer', 'The signer was asked for a signature, and no answer is recorded.', cost)
    : closed('ask-signer', 'The signer owes no answer.', cost);
}

function voidIt({ row: { state, attestedVoid }, record: signer }: Known): Way {
  const cost =
    'The request is dead for good. A customer is paid anew only by a new request of the backend, which must hold and verify the void. What its plan held is given back; others of its batch are planned anew.';
  if (attestedVoid !== null && state === 'void') return closed('void', 'It is void; the void is kept.', cost);
  if (!VOIDABLE.includes(state)) {
    return closed('void', `It is ${state}: cancel it first, or wait for its end.`, cost);
  }
  if (!signer) return closed('void', 'The signer does not answer.', cost);
  if (signer.state === 'signed') {
    return closed('void', 'The signer has signed something for it that may still be mined.', cost);
  }
  return open('void', `The signer says: ${signer.state}. Nothing spendable is signed for it.`, cost);
}

function cancel({ row, contest: { transfers, rivals, cancel: running }, winner }: Known): Way {
  const others = transfers.map(({ transferId }) => transferId).filter((id) => id !== row.transferId);
  const also = others.length === 0 ? '' : ` It also ends what is paid with it: ${others.join(', ')}.`;
  const cost = `A fee, which is gone. Either the payment or the cancel is mined, not both: the payment may still win.${also}`;
  const signed = rivals.some(({ signedHex }) => signedHex !== null);
  const decided = rivals.some(({ state }) => ['mined', 'final', 'failed'].includes(state));
  if (running) return closed('cancel-on-chain', `A cancel is on its way (${running.transactionKey}).`, cost);
  if (!['signed', 'broadcast', 'confirming', 'indeterminate'].includes(row.state) || winner || decided) {
    return closed('cancel-on-chain', `It is ${row.state}: there is nothing to outbid.`, cost);
  }
  return signed
    ? open('cancel-on-chain', 'What was signed for it is not in the chain yet.', cost)
    : closed('cancel-on-chain', 'No signed transaction of it is known here.', cost);
}

function bury({ row, record: signer, winner, burial, chain }: Known): Way {
  const paid = row.reason.startsWith('recorded-as-')
    ? 'What was signed for it is taken for dead; it stays as people have recorded it.'
    : 'What was signed for it is taken for dead, and it is paid anew while its request lives.';
  const cost = `${paid} If the block is taken back all the same and the old payment is mined after all, the customer is paid twice: look at the block with nodes of your own.`;
  const least = chain.startsWith('eip155:') ? LEAST_CONFIRMATIONS.ethereum : LEAST_CONFIRMATIONS.bitcoin;
  if (burial) {
    return open('bury', `A conflicting transaction lies ${winner?.confirmations ?? 0} blocks deep.`, cost);
  }
  if (!signer) return closed('bury', 'The signer does not answer.', cost);
  if (signer.state === 'dead' && ['replaced', 'indeterminate'].includes(row.state)) {
    return closed(
      'bury',
      'The signer has taken a burial already: hand the same statement in once more.',
      cost,
    );
  }
  if (signer.state !== 'signed')
    return closed('bury', 'Nothing that the signer signed is to be buried.', cost);
  if (!winner) {
    return closed('bury', 'No transaction of this signer that conflicts with it lies in the chain.', cost);
  }
  return winner.confirmations < least
    ? closed(
        'bury',
        `What conflicts with it lies ${winner.confirmations} blocks deep; ${least} are needed.`,
        cost,
      )
    : closed('bury', 'What lies in the chain pays one of the transfers that hang together.', cost);
}

function record({ row: { state }, contest: { rivals }, record: signer }: Known): Way[] {
  const ids = [
    ...new Set([
      ...rivals.flatMap(({ transactionId }) => transactionId ?? []),
      ...(signer?.transactionIds ?? []),
    ]),
  ];
  const which = ids.length === 0 ? 'a transaction of it' : `the transaction ${ids.join(' or ')}`;
  const paid =
    'If it is recorded as paid and was not, the customer waits for money that never comes. Nothing is signed, sent or given back.';
  const notPaid = `If it is recorded as not paid and ${which} is broadcast later, a customer who was paid anew is paid twice. Have the void first where that is open. Nothing is signed, sent or given back.`;
  const why = 'It is indeterminate: a person may say what became of it.';
  return state === 'indeterminate'
    ? [open('record-paid', why, paid), open('record-not-paid', why, notPaid)]
    : [
        closed('record-paid', 'Only an indeterminate transfer is recorded by hand.', paid),
        closed('record-not-paid', 'Only an indeterminate transfer is recorded by hand.', notPaid),
      ];
}
