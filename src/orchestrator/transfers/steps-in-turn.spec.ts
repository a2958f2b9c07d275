// Approvals in steps at the orchestrator: who is asked when, and what becomes of approvals whose predecessors no longer count.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Approval, TransferStatement } from '../../core/statements/approval.js';
import { certain, type Life, reasonsOf, Stage } from './stage.fixture.js';

const TWO_ETHER = '2000000000000000000';
/** Alice for the treasury, and then bob for the governors. */
const IN_TURN =
  '{ steps: [[{ group: treasury, quorum: 1, except: [bob] }], [{ group: governors, quorum: 1, except: [alice] }]] }';

let folder: string;
let stage: Stage;
let life: Life;
let transferId: string;
let statement: TransferStatement;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'portcullis-pipeline-'));
  stage = new Stage({ url: `sqlite:${join(folder, 'test.db')}` });
  life = await stage.life('one');
  stage.cast.amend(stage.cast.policiesWith('[ { group: treasury, quorum: 2 } ]', IN_TURN));
  await life.governance.refresh();
  ({ transferId } = await life.submitted(stage.cast.request(TWO_ETHER)));
  await life.work();
  ({ statement } = certain(await life.approvals.statementFor(transferId)));
});

afterEach(async () => {
  await life.end();
  rmSync(folder, { recursive: true });
});

const sign = (of: 'alice' | 'bob', before: readonly Approval[] = []) =>
  stage.cast.verdict(of, statement, 'approve', before);
const submitted = (approval: Approval) => life.approvals.submit(transferId, approval);

describe('approvals in steps', () => {
  it('are asked for one after another, and leave with those that they follow', async () => {
    const [alice] = [sign('alice')];
    const first = await life.approved(transferId, alice);
    expect(first.approvals.missing).toEqual([{ group: 'governors', quorum: 1, except: ['alice'], step: 1 }]);
    const { follows } = certain(await life.approvals.statementFor(transferId));
    expect(follows).toEqual([alice]);
    const second = await life.approved(transferId, sign('bob', follows));
    expect(second.state).toBe('approved');
    expect(second.approvals.given.map(({ personId, after }) => [personId, after])).toEqual([
      ['alice', []],
      ['bob', ['alice']],
    ]);
    await life.live(6);
    const [order] = stage.signer.orders;
    expect(order?.transfers[0]?.approvals).toEqual([
      alice,
      expect.objectContaining({ credentialId: 'bob-piv' }),
    ]);
    expect(order?.transfers[0]?.approvals[1]?.follows).toHaveLength(1);
  });

  it('name nothing in a rule without steps', async () => {
    stage.cast.amend(stage.cast.policiesWith('none', 'none'));
    await life.governance.refresh();
    const other = await life.submitted(stage.cast.request(TWO_ETHER));
    await life.work();
    const asked = certain(await life.approvals.statementFor(other.transferId));
    await life.approved(other.transferId, stage.cast.verdict('alice', asked.statement));
    expect(certain(await life.approvals.statementFor(other.transferId)).follows).toEqual([]);
  });
});

describe('approvals in steps are refused', () => {
  it('with approval-out-of-turn before the step is due', async () => {
    expect(await submitted(sign('bob'))).toMatchObject({
      kind: 'refused',
      code: 'approval-out-of-turn',
      facts: { personId: 'bob', follows: 0 },
    });
    await life.approved(transferId, sign('alice'));
    // The step is due, but this one does not say that it came after.
    expect(await submitted(sign('bob'))).toMatchObject({ code: 'approval-out-of-turn' });
    expect((await life.view(transferId)).approvals.given.map(({ personId }) => personId)).toEqual(['alice']);
  });

  it('with approval-follows-unknown when what they follow is not here', async () => {
    const elsewhere = sign('alice');
    await life.approved(transferId, sign('alice'));
    expect(await submitted(sign('bob', [elsewhere]))).toMatchObject({ code: 'approval-follows-unknown' });
  });

  it('with approval-signature-invalid when their names were taken away', async () => {
    const alice = sign('alice');
    await life.approved(transferId, alice);
    const { follows: _, ...stripped } = sign('bob', [alice]);
    expect(await submitted(stripped)).toMatchObject({ code: 'approval-signature-invalid' });
  });
});

describe('approvals whose predecessors no longer count', () => {
  it('make way for another statement, over which everybody can sign again', async () => {
    const alice = sign('alice');
    await life.approved(transferId, alice);
    stage.cast.amend({ kind: 'group-set', group: { groupId: 'treasury', members: ['bob', 'carol'] } });
    await life.governance.refresh();
    await life.work();
    const view = await life.view(transferId);
    expect(reasonsOf(view)).toContain('statement-not-in-force');
    expect(view.state).toBe('awaiting-approvals');
    expect(view.approvals.given).toEqual([]);
    expect(certain(await life.approvals.statementFor(transferId)).statement).not.toEqual(statement);
  });

  it('count for nothing where the database has another signature in their place', async () => {
    const alice = sign('alice');
    await life.approved(transferId, alice);
    // As if it had never been sent: triggers keep a table from this, and whoever owns the file takes them away.
    await life.database.transaction(async (db) => {
      await db.query('DROP TRIGGER approvals_no_update');
      await db.query('UPDATE approvals SET signature = ?', ['00'.repeat(64)]);
    });
    expect(await submitted(sign('bob', [alice]))).toMatchObject({ code: 'approval-follows-unknown' });
    expect((await life.view(transferId)).state).toBe('awaiting-approvals');
  });
});
