// Approvals of which some have to come from a class of credentials, at the orchestrator: nobody gives away the one that only they
// could have given.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { secp256k1 } from '@noble/curves/secp256k1.js';
import { bytesToHex } from '@noble/hashes/utils.js';
import { type Approval, approvalBytes, type TransferStatement } from '../../core/statements/approval.js';
import { personalMessageDigest } from '../../core/statements/signature.js';
import { certain, type Life, Stage } from './stage.fixture.js';

const TWO_ETHER = '2000000000000000000';
const SECRET = new Uint8Array(32).fill(7);

let folder: string;
let stage: Stage;
let life: Life;
let transferId: string;
let statement: TransferStatement;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'portcullis-pipeline-'));
  stage = new Stage({ url: `sqlite:${join(folder, 'test.db')}` });
  life = await stage.life('one');
  stage.cast.amend({
    kind: 'credential-added',
    personId: 'alice',
    credential: {
      credentialId: 'alice-ledger',
      credentialClass: 'device-display',
      algorithm: 'eip191',
      publicKey: bytesToHex(secp256k1.getPublicKey(SECRET)),
    },
  });
  stage.cast.amend(
    stage.cast.policiesWith(
      '[ { group: treasury, quorum: 2 } ]',
      '[{ group: treasury, quorum: 2, with: { device-display: 1 } }]',
    ),
  );
  await life.governance.refresh();
  ({ transferId } = await life.submitted(stage.cast.request(TWO_ETHER)));
  await life.work();
  ({ statement } = certain(await life.approvals.statementFor(transferId)));
});

afterEach(async () => {
  await life.end();
  rmSync(folder, { recursive: true });
});

const byToken = (of: 'alice' | 'bob', verdict: 'approve' | 'reject' = 'approve') =>
  stage.cast.verdict(of, statement, verdict);
const submitted = (approval: Approval) => life.approvals.submit(transferId, approval);

function byDevice(): Approval {
  const digest = personalMessageDigest(approvalBytes('approve', statement));
  const signature = bytesToHex(secp256k1.sign(digest, SECRET, { prehash: false }));
  return { credentialId: 'alice-ledger', verdict: 'approve', signature };
}

describe('approvals of which one comes from a device', () => {
  it('are refused of whoever alone has one, and used another key (approval-class-wanted)', async () => {
    expect(await submitted(byToken('alice'))).toMatchObject({
      code: 'approval-class-wanted',
      facts: { personId: 'alice', wanted: '2 of treasury (1 with a display)' },
    });
    const first = await life.approved(transferId, byDevice());
    expect(first.approvals.missing).toEqual([{ group: 'treasury', quorum: 1 }]);
    expect((await life.approved(transferId, byToken('bob'))).state).toBe('approved');
  });

  it('are refused so whoever approved before', async () => {
    const first = await life.approved(transferId, byToken('bob'));
    expect(first.approvals.missing).toEqual([
      { group: 'treasury', quorum: 1, with: { 'device-display': 1 } },
    ]);
    expect(await submitted(byToken('alice'))).toMatchObject({ code: 'approval-class-wanted' });
    expect((await life.approved(transferId, byDevice())).state).toBe('approved');
  });

  it('are heard with any key where somebody says no', async () => {
    expect(certain(await submitted(byToken('alice', 'reject'))).state).toBe('refused');
  });
});
