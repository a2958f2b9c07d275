import { sign } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { alice, bob, carol, dave, type Key, start } from '../governance/people.fixture.js';
import { portableVerifier } from '../statements/signature.js';
import {
  BURIAL_TYPE,
  type BurialStatement,
  burialBytes,
  LEAST_CONFIRMATIONS,
  MAX_BURIAL_LIFETIME_MS,
  burial as schema,
  verifyBurial,
} from './burial.js';

const NOW_MS = 1_760_000_000_000;

function statement(altered: Partial<BurialStatement> = {}): BurialStatement {
  return {
    type: BURIAL_TYPE,
    deploymentId: start.deploymentId,
    governanceHead: start.head,
    transferIds: [`tr-${'1'.repeat(40)}`],
    dead: [`bitcoin:${'aa'.repeat(32)}`],
    conflicting: conflicting(`bitcoin:${'bb'.repeat(32)}`, LEAST_CONFIRMATIONS.bitcoin),
    createdAtMs: NOW_MS - 1_000,
    expiresAtMs: NOW_MS + 1_000,
    ...altered,
  };
}

function conflicting(transactionKey: string, confirmations: number): BurialStatement['conflicting'] {
  return {
    transactionKey,
    transactionId: 'bb'.repeat(32),
    blockHash: 'cc'.repeat(32),
    blockHeight: 800_000,
    confirmations,
  };
}

const ethereum = (confirmations: number) => conflicting(`ethereum:hot-eth:${'bb'.repeat(32)}`, confirmations);

function answerTo(
  of: BurialStatement,
  by: readonly Key[] = [alice, bob],
  excluded: readonly string[] = [],
): string {
  const signatures = by.map(({ credentialId, secret }) => ({
    credentialId,
    signature: sign('sha256', burialBytes(of), { key: secret, dsaEncoding: 'ieee-p1363' }).toString('hex'),
  }));
  const burial = schema.parse({ statement: of, signatures });
  const outcome = verifyBurial(burial, start, new Set(excluded), portableVerifier, NOW_MS);
  return outcome.kind === 'refused' ? outcome.code : 'accepted';
}

describe('a burial', () => {
  it("is the quorum's word, at the least depth of each chain", () => {
    expect(answerTo(statement())).toBe('accepted');
    expect(answerTo(statement({ conflicting: ethereum(LEAST_CONFIRMATIONS.ethereum) }))).toBe('accepted');
  });

  it.each<[string, string, Partial<BurialStatement>]>([
    ['burial-other-deployment', 'it is for another deployment', { deploymentId: 'ab'.repeat(32) }],
    ['burial-governance-moved', 'governance has gone on', { governanceHead: 'ab'.repeat(32) }],
    ['burial-expired', 'its time is over', { expiresAtMs: NOW_MS }],
    ['burial-expired', 'it ends before it begins', { createdAtMs: NOW_MS + 2_000 }],
    ['burial-expired', 'it lives too long', { createdAtMs: NOW_MS + 1_000 - MAX_BURIAL_LIFETIME_MS - 1 }],
    [
      'burial-too-shallow',
      'the block is one short of what Bitcoin needs',
      { conflicting: conflicting(`bitcoin:${'bb'.repeat(32)}`, LEAST_CONFIRMATIONS.bitcoin - 1) },
    ],
    [
      'burial-too-shallow',
      'the block is one short of what Ethereum needs',
      { conflicting: ethereum(LEAST_CONFIRMATIONS.ethereum - 1) },
    ],
  ])('is refused with %s when %s', (code, _, altered) => {
    expect(answerTo(statement(altered))).toBe(code);
  });

  it.each<[string, string, readonly Key[], readonly string[]]>([
    ['governance-quorum-missing', 'one officer signed it', [alice], []],
    ['governance-quorum-missing', 'one of two signers had asked for the transfer', [alice, bob], ['bob']],
    ['governance-signer-unknown', 'a stranger signed it', [alice, dave], []],
    ['governance-signer-duplicate', 'one officer signed it twice', [alice, alice], []],
  ])('is refused with %s when %s', (code, _, by, excluded) => {
    expect(answerTo(statement(), by, excluded)).toBe(code);
  });

  it('counts the others when somebody who asked for the transfer signs as well', () => {
    expect(answerTo(statement(), [alice, bob, carol], ['bob'])).toBe('accepted');
  });

  it('is refused with governance-signature-invalid when a word of it is another than was signed', () => {
    const signatures = [alice, bob].map(({ credentialId, secret }) => ({
      credentialId,
      signature: sign('sha256', burialBytes(statement()), {
        key: secret,
        dsaEncoding: 'ieee-p1363',
      }).toString('hex'),
    }));
    const altered = { statement: statement({ dead: [`bitcoin:${'dd'.repeat(32)}`] }), signatures };
    expect(verifyBurial(altered, start, new Set(), portableVerifier, NOW_MS)).toMatchObject({
      code: 'governance-signature-invalid',
    });
  });
});
