import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  isBeforeReservation,
  isDecided,
  isFinished,
  isSigned,
  mayMove,
  personMayMove,
  personMayMoveTransaction,
  reorganisationMayMove,
  reorganisationMayMoveTransaction,
  statesUpTo,
  type TransactionState,
  type TransferState,
  transactionMayMove,
  transactionStates,
  transferStates,
} from './transfer-states.js';

/** All ways that the machine allows, as sequences of states. */
function walk<S extends string>(start: S, all: readonly S[], may: (from: S, to: S) => boolean) {
  return fc.array(fc.nat(), { maxLength: 60 }).map((choices) => {
    const way: S[] = [start];
    for (const choice of choices) {
      const here = way.at(-1) ?? start;
      const next = all.filter((state) => may(here, state));
      const to = next[choice % Math.max(next.length, 1)];
      if (to === undefined) break;
      way.push(to);
    }
    return way;
  });
}

const transferWalk = walk<TransferState>('requested', transferStates, mayMove);
const transactionWalk = walk<TransactionState>('planned', transactionStates, transactionMayMove);

describe('states of a transfer', () => {
  it('never lead back before the signature once it was signed', () => {
    fc.assert(
      fc.property(transferWalk, (way) => {
        const signed = way.findIndex(isSigned);
        if (signed >= 0) expect(way.slice(signed).every(isSigned)).toBe(true);
      }),
    );
  });

  it('are signed only after they were approved, reserved and built, in this order', () => {
    fc.assert(
      fc.property(transferWalk, (way) => {
        const signed = way.indexOf('signed');
        if (signed < 0) return;
        const before = way.slice(0, signed);
        expect(before.slice(-3)).toEqual(['approved', 'reserved', 'built']);
        expect(before).toContain('decided');
      }),
    );
  });

  it('settle only through a signature, a broadcast and a block', () => {
    fc.assert(
      fc.property(transferWalk, (way) => {
        if (way.at(-1) !== 'settled') return;
        for (const state of ['signed', 'broadcast', 'confirming'] as const) expect(way).toContain(state);
      }),
    );
  });

  it('lead nowhere from an end, but that a late signature makes a dead transfer indeterminate, or an attestation void', () => {
    for (const from of transferStates.filter(isFinished)) {
      const onwards = transferStates.filter((to) => mayMove(from, to));
      expect(['void', 'indeterminate']).toEqual(expect.arrayContaining(onwards));
    }
    for (const from of ['indeterminate', 'settled', 'failed', 'replaced', 'void'] as const) {
      expect(transferStates.filter((to) => mayMove(from, to))).toEqual([]);
    }
  });

  it('lead out of an end by people alone: what they found out, a void, or a burial', () => {
    const moves = transferStates.flatMap((from) =>
      transferStates.filter((to) => personMayMove(from, to)).map((to) => `${from} ${to}`),
    );
    expect(moves).toEqual([
      // Buried while it was still on its way here.
      'signed approved',
      'signed expired',
      'broadcast approved',
      'broadcast expired',
      'confirming approved',
      'confirming expired',
      'replaced approved',
      'replaced expired',
      'replaced void',
      'failed void',
      'indeterminate approved',
      'indeterminate built',
      'indeterminate settled',
      'indeterminate expired',
      'indeterminate void',
      'indeterminate failed',
    ]);
    const transactionMoves = transactionStates.flatMap((from) =>
      transactionStates.filter((to) => personMayMoveTransaction(from, to)).map((to) => `${from} ${to}`),
    );
    expect(transactionMoves).toEqual([
      'signing dead',
      'signed dead',
      'broadcast dead',
      'mined dead',
      'conflicted dead',
      'indeterminate signing',
      'indeterminate released',
      'indeterminate dead',
    ]);
    expect(transactionStates.filter((to) => transactionMayMove('dead', to))).toEqual([]);
  });

  it('are on their way again when the chain takes back what decided them, and by nothing else', () => {
    const undone = transferStates.flatMap((from) =>
      transferStates.filter((to) => reorganisationMayMove(from, to)).map((to) => `${from} ${to}`),
    );
    expect(undone).toEqual(['settled broadcast', 'replaced broadcast', 'failed broadcast']);
    for (const from of transactionStates) {
      const onwards = transactionStates.filter((to) => reorganisationMayMoveTransaction(from, to));
      expect(onwards).toEqual(isDecided(from) ? ['broadcast'] : []);
    }
  });

  it('are all reached, and none stands still without being an end', () => {
    const reached = new Set<TransferState>(['requested']);
    for (let round = 0; round < transferStates.length; round += 1) {
      for (const from of reached) for (const to of transferStates) if (mayMove(from, to)) reached.add(to);
    }
    expect([...reached].toSorted()).toEqual([...transferStates].toSorted());
    for (const state of transferStates.filter((one) => !isFinished(one))) {
      expect(transferStates.some((to) => mayMove(state, to))).toBe(true);
      expect(mayMove(state, state)).toBe(false);
    }
  });

  it('can be cancelled exactly until a signature may be asked for', () => {
    const cancellable = transferStates.filter((from) => mayMove(from, 'cancelled'));
    expect(cancellable).toEqual([...transferStates.filter(isBeforeReservation), 'reserved', 'built']);
  });

  it('are passed through one by one on the way of a signed transfer', () => {
    fc.assert(
      fc.property(fc.constantFrom(...transferStates), fc.constantFrom(...transferStates), (from, to) => {
        let here = from;
        for (const state of statesUpTo(from, to)) {
          expect(mayMove(here, state)).toBe(true);
          here = state;
        }
        if (statesUpTo(from, to).length > 0) expect(here).toBe(to);
      }),
    );
  });
});

describe('states of a transaction', () => {
  it('never give up what may have been signed', () => {
    fc.assert(
      fc.property(transactionWalk, (way) => {
        const signed = way.indexOf('signed');
        if (signed >= 0) expect(way.slice(signed)).not.toContain('released');
      }),
    );
  });

  it('are signed only after the intention to sign was written down', () => {
    for (const from of transactionStates) {
      if (transactionMayMove(from, 'signed')) expect(from).toBe('signing');
      if (transactionMayMove(from, 'signing')) expect(from).toBe('built');
    }
  });

  it('lead out of indeterminate by no program', () => {
    expect(transactionStates.filter((to) => transactionMayMove('indeterminate', to))).toEqual([]);
  });
});
