// What an order costs the signer to compare with its past, when whoever owns the orchestrator has made that past as long as
// they may. That it compares rightly is under test with a real token.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { Authorization } from '../core/authorization/authorize.js';
import { genesisOf } from '../core/governance/people.fixture.js';
import { checkConflicts } from './conflicts.js';
import { hashOf, reservation } from './reservation.fixture.js';
import { Seal } from './seal.js';
import { SignerStore } from './store.js';

const TRANSFERS = 20;
const BUMPS = 4;

const ids = Array.from({ length: TRANSFERS }, (_, index) => `tr_${hashOf(`transfer ${index}`)}`);
const spent = ['one/aa:0', 'one/aa:1', 'one/aa:2'];

function authorizationOf(transferIds: readonly string[], spends: readonly string[]): Authorization {
  return {
    decoded: { spends, nonce: undefined, wallet: { walletId: 'hot-btc' }, intent: { family: 'bitcoin' } },
    transfers: transferIds.map((transferId) => ({
      request: { transferId, digest: hashOf(transferId), statement: { requestId: transferId } },
    })),
  } as unknown as Authorization;
}

function codeOf(outcome: ReturnType<typeof checkConflicts>): string {
  return outcome.kind === 'refused' ? outcome.code : outcome.kind;
}

let folder: string;
let store: SignerStore;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'portcullis-conflicts-'));
  store = SignerStore.create(join(folder, 'signer.db'), genesisOf(), new Seal(new Uint8Array(32).fill(7)));
  for (let bump = 0; bump < BUMPS; bump++) {
    store.append(reservation(store.ledger, `pays ${bump}`, ids, spent));
    store.append(reservation(store.ledger, `cancels ${bump}`, [], spent));
  }
});
afterEach(() => {
  store.close();
  rmSync(folder, { recursive: true });
});

describe('a batch whose fee was bumped and that was cancelled, often', () => {
  it.each([
    ['a payment', ids],
    ['a cancel', []],
  ])('has each of its transactions looked up once by %s, not once for each transfer', (_, transferIds) => {
    const lookUps = jest.spyOn(store.ledger, 'spendsOf');
    expect(codeOf(checkConflicts(authorizationOf(transferIds, spent), store.ledger))).toBe('accepted');
    expect(lookUps.mock.calls.length).toBe(2 * BUMPS);
  });

  it('names each user of its coins once, however many it shares', () => {
    expect(store.ledger.usersOfAny(spent)).toHaveLength(2 * BUMPS);
    expect(store.ledger.usersOfAny(['one/aa:9'])).toEqual([]);
  });

  it('is not paid by what could be mined beside one of them (transfer-already-signed)', () => {
    expect(codeOf(checkConflicts(authorizationOf(ids, ['one/bb:0']), store.ledger))).toBe(
      'transfer-already-signed',
    );
  });
});
