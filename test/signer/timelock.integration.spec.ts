// Governance attacked at the signer's door: whoever owns the orchestrator and the host's clock, and some officers' keys but
// not enough of them, tries to make an entry act that does not, or not yet. Refused by the signer alone.

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Deployment, makeOfficer, type Officer, signEntry } from '../../devnet/deployment.js';
import { codeOf, type SocketClient } from '../../devnet/socket-client.js';
import { coin, payTo, psbt } from '../../devnet/transactions.js';
import type { SigningOrder } from '../../src/core/authorization/signing-order.js';
import {
  type Change,
  type EntryBody,
  entryHash,
  type GovernanceEntry,
} from '../../src/core/governance/entry.js';
import { p2wpkhScript } from '../../src/core/intents/bitcoin/address.js';
import { statusResult } from '../../src/signer-protocol/messages.js';

const HOUR_MS = 3_600_000;
const WAIT_MS = 48 * HOUR_MS;
const DESTINATION = 'bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080';

let deployment: Deployment;
let signer: SocketClient;
let own: string;

beforeAll(async () => {
  deployment = await Deployment.create({
    timelock: { whitelistMs: 24 * HOUR_MS, policyMs: WAIT_MS, veto: { group: 'watchers', threshold: 1 } },
  });
  signer = await deployment.start();
  own = p2wpkhScript(deployment.publicKeys.bitcoin);
});
afterAll(() => deployment.destroy());

const mallory = makeOfficer('mallory');
const dora = makeOfficer('dora');

function joining({ personId, credential }: Officer, ...groups: readonly string[]): Change {
  const person = { personId, name: personId, credentials: [credential] };
  return { kind: 'person-added', person, groups: [...groups] };
}

async function hand(entry: GovernanceEntry) {
  const reply = await signer.ask({ verb: 'governance-append', entry });
  if (reply.kind === 'done') deployment.log.push(entry);
  return reply;
}

async function append(
  change: Change,
  officers: readonly Officer[],
  altered: Partial<EntryBody> = {},
): Promise<GovernanceEntry> {
  const entry = deployment.entry(change, officers, altered);
  expect(codeOf(await hand(entry))).toBe('done');
  return entry;
}

function activating(
  entry: GovernanceEntry,
  officer: Officer,
  altered: Partial<EntryBody> = {},
): GovernanceEntry {
  return deployment.entry({ kind: 'activated', entry: entryHash(entry.body) }, [officer], altered);
}

async function pending() {
  const answer = await signer.ask({ verb: 'status', transferIds: [] });
  return answer.kind === 'done' ? statusResult.parse(answer.result).pending : codeOf(answer);
}

describe('an entry that loosens', () => {
  it('does nothing until it has waited by the time that the signer measured, whatever clocks say', async () => {
    const { alice, bob, carol, time } = deployment;
    const entry = await append(joining(dora, 'governors', 'watchers'), [alice, bob]);
    const hash = entryHash(entry.body);
    expect(await pending()).toEqual([{ hash, sequence: 1, leftMs: WAIT_MS }]);
    const startedAtMs = time.wall;

    // The host's clock is set two days ahead: entries may say so, and the signer's own measure does not move.
    time.wall += WAIT_MS + 1;
    expect(await hand(activating(entry, carol))).toMatchObject({
      kind: 'refused',
      code: 'governance-timelock',
      facts: { entry: hash, leftMs: WAIT_MS },
    });
    time.wall = startedAtMs;
    time.advance(WAIT_MS - 1_000);
    expect(await pending()).toEqual([{ hash, sequence: 1, leftMs: 1_000 }]);
    expect(await hand(activating(entry, carol, { createdAtMs: startedAtMs + WAIT_MS }))).toMatchObject({
      code: 'governance-timelock',
      facts: { leftMs: 1_000 },
    });

    // Time in which the signer did not run does not count, though the machine's clock went on.
    await deployment.stop();
    time.wall += WAIT_MS;
    signer = await deployment.start();
    expect(await pending()).toEqual([{ hash, sequence: 1, leftMs: 1_000 }]);
    expect(codeOf(await hand(activating(entry, carol)))).toBe('governance-timelock');
    time.advance(1_000);
    expect(await pending()).toEqual([{ hash, sequence: 1, leftMs: 0 }]);
    expect(codeOf(await hand(activating(entry, bob)))).toBe('governance-activator-proposed');
    expect(codeOf(await hand(activating(entry, carol)))).toBe('done');
    expect(await pending()).toEqual([]);
  });

  it('acts never when it was vetoed, and not twice', async () => {
    const { alice, bob, carol, time } = deployment;
    const vetoed = await append(joining(makeOfficer('erwin'), 'treasury'), [alice, bob]);
    await append({ kind: 'vetoed', entry: entryHash(vetoed.body), why: 'not agreed' }, [carol]);
    time.advance(WAIT_MS);
    expect(codeOf(await hand(activating(vetoed, carol)))).toBe('governance-not-pending');
    const entry = await append(joining(makeOfficer('frida'), 'treasury'), [alice, bob]);
    time.advance(WAIT_MS);
    const activation = await append(activating(entry, carol).body.change, [carol]);
    expect(codeOf(await hand(activating(entry, carol)))).toBe('governance-not-pending');
    // The very entry that is the newest is no second activation: the answer is given again.
    expect(codeOf(await signer.ask({ verb: 'governance-append', entry: activation }))).toBe('done');
  });

  it('acts never when nobody activated it for thirty days, however the activation is dated', async () => {
    const { alice, bob, carol, time } = deployment;
    const entry = await append(joining(makeOfficer('gustav'), 'treasury'), [alice, bob]);
    const ripeMs = time.wall + WAIT_MS;
    time.advance(WAIT_MS + 30 * 24 * HOUR_MS + 1);
    expect(codeOf(await hand(activating(entry, carol)))).toBe('governance-pending-stale');
    expect(codeOf(await hand(activating(entry, carol, { createdAtMs: ripeMs })))).toBe(
      'governance-pending-stale',
    );
    await append({ kind: 'vetoed', entry: entryHash(entry.body), why: 'too old' }, [carol]);
  });

  it('is signed by the quorum of the state before it: what it would bring counts for nothing yet', async () => {
    const { alice, bob, carol, time } = deployment;
    const entry = await append(joining(mallory, 'governors'), [alice, bob]);
    const remove: Change = { kind: 'person-removed', personId: 'carol' };
    expect(codeOf(await hand(deployment.entry(remove, [alice, mallory])))).toBe('governance-signer-unknown');
    expect(codeOf(await hand(activating(entry, mallory)))).toBe('governance-signer-unknown');
    time.advance(WAIT_MS);
    // Bob, who signed it, is removed meanwhile; his word of then is worth nothing now.
    await append({ kind: 'person-removed', personId: 'bob' }, [alice, carol]);
    expect(codeOf(await hand(activating(entry, carol)))).toBe('governance-quorum-missing');
    await append({ kind: 'vetoed', entry: entryHash(entry.body), why: 'bob has left' }, [carol]);
  });
});

describe('an entry of governance', () => {
  it('is refused in another deployment than its own', async () => {
    const other = await Deployment.create();
    try {
      const { alice, carol } = deployment;
      const foreign = other.entry({ kind: 'person-removed', personId: 'frida' }, [other.alice, other.bob], {
        sequence: deployment.log.length,
        previous: deployment.head,
      });
      expect(codeOf(await hand(foreign))).toBe('governance-other-deployment');
      const renamed = signEntry({ ...foreign.body, deploymentId: deployment.deploymentId }, [alice, carol]);
      const replayed = { ...renamed, signatures: foreign.signatures };
      expect(codeOf(await hand(replayed))).toBe('governance-signature-invalid');
    } finally {
      await other.destroy();
    }
  });

  it('that was shown to one party only finds no place after the other one', async () => {
    const { alice, carol } = deployment;
    const one = deployment.entry({ kind: 'person-removed', personId: 'frida' }, [alice, carol]);
    const two = deployment.entry({ kind: 'person-removed', personId: 'dora' }, [alice, carol]);
    expect(codeOf(await hand(one))).toBe('done');
    expect(codeOf(await hand(two))).toBe('governance-sequence');
    expect(
      codeOf(await hand(signEntry({ ...two.body, sequence: deployment.log.length }, [alice, carol]))),
    ).toBe('governance-previous-mismatch');
  });
});

describe('whoever delegated their place', () => {
  function paying(
    amount: bigint,
    officers: readonly Officer[] = [deployment.alice, deployment.carol],
  ): SigningOrder {
    const request = deployment.request({ amount: amount.toString(), destination: DESTINATION });
    const outputs = [payTo(DESTINATION, amount), { script: own, amountSats: 199_998_000n - amount }];
    return {
      wallet: 'hot-btc',
      transaction: psbt([coin(own, 200_000_000n)], outputs),
      transfers: [deployment.transfer(request, officers)],
    };
  }

  it('approves nothing until it has ended, by the signer’s time', async () => {
    const { alice, carol, time } = deployment;
    expect(codeOf(await signer.sign(paying(10_000_000n)))).toBe('done');
    const delegation = {
      delegationId: 'holiday',
      group: 'treasury',
      from: 'carol',
      to: 'dora',
      startsAtMs: 1,
      endsAtMs: time.wall + WAIT_MS + 50 * HOUR_MS,
    };
    const entry = await append({ kind: 'delegation-added', delegation }, [alice, carol]);
    time.advance(WAIT_MS);
    expect(codeOf(await signer.sign(paying(10_000_001n)))).toBe('done');
    await append(activating(entry, dora).body.change, [dora]);
    expect(await signer.sign(paying(10_000_002n))).toMatchObject({
      code: 'approvals-insufficient',
      facts: { missing: '1 of treasury' },
    });
    expect(codeOf(await signer.sign(paying(10_000_003n, [alice, dora])))).toBe('done');
    time.advance(50 * HOUR_MS);
    expect(codeOf(await signer.sign(paying(10_000_004n, [alice, dora])))).toBe('approvals-insufficient');
    expect(codeOf(await signer.sign(paying(10_000_005n)))).toBe('done');
  });
});
