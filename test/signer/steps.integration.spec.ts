// Approvals in steps at the signer: who approves in a later step signs over the approvals that came before. A compromised
// orchestrator has all of them, and puts them together as it likes.

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Deployment } from '../../devnet/deployment.js';
import { codeOf, type SocketClient } from '../../devnet/socket-client.js';
import { coin, payTo, psbt } from '../../devnet/transactions.js';
import type { SigningOrder } from '../../src/core/authorization/signing-order.js';
import { verifyCertificate } from '../../src/core/certificates/verify.js';
import { p2wpkhScript } from '../../src/core/intents/bitcoin/address.js';
import {
  type Approval,
  givenApprovalDigest,
  type TransferStatement,
} from '../../src/core/statements/approval.js';
import type { SignedRequest } from '../../src/core/statements/request.js';
import { portableVerifier } from '../../src/core/statements/signature.js';
import { signResult } from '../../src/signer-protocol/messages.js';

const DESTINATION = 'bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080';
const LINES = `
policy: hot-bitcoin
applies-to: { wallets: [hot-btc] }
fee-caps: { absolute: "0.0005 BTC", relative: "100%" }
rules:
  - id: in-turn
    when: { asset: BTC, amount-at-most: "1 BTC" }
    then:
      approve:
        steps:
          - [{ group: treasury, quorum: 2, except: [carol] }]
          - [{ group: governors, quorum: 1 }]`
  .trim()
  .split('\n');

let deployment: Deployment;
let client: SocketClient;

beforeAll(async () => {
  deployment = await Deployment.create({ policies: [{ name: 'hot-bitcoin', lines: LINES }] });
  client = await deployment.start();
});
afterAll(() => deployment.destroy());

interface Asked {
  readonly request: SignedRequest;
  readonly statement: TransferStatement;
  /** The honest approvals: alice and bob, and carol after them. */
  readonly alice: Approval;
  readonly bob: Approval;
  readonly carol: Approval;
}

function asked(expiresAtMs = deployment.time.wall + 1_800_000): Asked {
  const request = deployment.request({ amount: '5000000', destination: DESTINATION });
  const statement = deployment.statement(request, { expiresAtMs });
  const alice = deployment.approve(statement, deployment.alice);
  const bob = deployment.approve(statement, deployment.bob);
  const carol = deployment.approve(statement, deployment.carol, 'approve', [alice, bob]);
  return { request, statement, alice, bob, carol };
}

function orderOf({ request, statement }: Asked, approvals: readonly Approval[]): SigningOrder {
  const own = p2wpkhScript(deployment.publicKeys.bitcoin);
  return {
    wallet: 'hot-btc',
    transaction: psbt(
      [coin(own, 10_000_000n)],
      [payTo(DESTINATION, 5_000_000n), { script: own, amountSats: 4_990_000n }],
    ),
    transfers: [{ request, statement, approvals: [...approvals] }],
  };
}

const signed = async (one: Asked, approvals: readonly Approval[]) =>
  codeOf(await client.sign(orderOf(one, approvals)));

const changed = (hex: string) => `${hex.startsWith('0') ? '1' : '0'}${hex.slice(1)}`;
const naming = (approval: Approval, follows: readonly string[]): Approval => ({
  ...approval,
  follows: [...follows].sort(),
});

describe('approvals in steps', () => {
  it('are signed when who approves last names those who approved first, in whatever order they come', async () => {
    const one = asked();
    expect(await signed(one, [one.carol, one.bob, one.alice])).toBe('done');
  });

  it('stand in the certificate, with who came after whom', async () => {
    const one = asked();
    const answer = await client.sign(orderOf(one, [one.alice, one.bob, one.carol]));
    if (answer.kind !== 'done') throw new Error(codeOf(answer));
    const { certificate } = signResult.parse(answer.result);
    const verified = verifyCertificate(
      certificate,
      deployment.log,
      deployment.deploymentId,
      portableVerifier,
    );
    if (verified.kind === 'refused') throw new Error(verified.code);
    expect(verified.value.proved.join('\n')).toContain(
      'the approval with carol-token was given after those with alice-token, bob-token, whose signatures it names',
    );
    const stripped = structuredClone(certificate);
    for (const transfer of stripped.reservation.order.transfers) {
      for (const approval of transfer.approvals) delete approval.follows;
    }
    expect(
      verifyCertificate(stripped, deployment.log, deployment.deploymentId, portableVerifier),
    ).toMatchObject({ kind: 'refused' });
  });
});

describe('approvals in steps: the signer refuses', () => {
  it('a last one that names nobody (approvals-insufficient)', async () => {
    const one = asked();
    const blind = deployment.approve(one.statement, deployment.carol);
    expect(await signed(one, [one.alice, one.bob, blind])).toBe('approvals-insufficient');
  });

  it('a last one that names half of the first step (approvals-insufficient)', async () => {
    const one = asked();
    const early = deployment.approve(one.statement, deployment.carol, 'approve', [one.alice]);
    expect(await signed(one, [one.alice, one.bob, early])).toBe('approvals-insufficient');
  });

  it('a first step that names the last (approvals-insufficient)', async () => {
    const one = asked();
    const carol = deployment.approve(one.statement, deployment.carol);
    const alice = deployment.approve(one.statement, deployment.alice, 'approve', [carol]);
    const bob = deployment.approve(one.statement, deployment.bob, 'approve', [alice, carol]);
    expect(await signed(one, [alice, bob, carol])).toBe('approvals-insufficient');
  });

  it('one person for both steps (approvals-insufficient)', async () => {
    const one = asked();
    const bob = deployment.approve(one.statement, deployment.bob, 'approve', [one.alice]);
    expect(await signed(one, [one.alice, bob])).toBe('approvals-insufficient');
  });

  it('one person twice, once in each step (approver-duplicate)', async () => {
    const one = asked();
    const again = deployment.approve(one.statement, deployment.bob, 'approve', [one.alice, one.bob]);
    expect(await signed(one, [one.alice, one.bob, again])).toBe('approver-duplicate');
  });

  it('a last one without those that it names (approval-follows-unknown)', async () => {
    const one = asked();
    expect(await signed(one, [one.alice, one.carol])).toBe('approval-follows-unknown');
    expect(await signed(one, [one.carol])).toBe('approval-follows-unknown');
  });

  it('another signature of the same officer in the place of the one that is named (approval-follows-unknown)', async () => {
    const one = asked();
    const other = deployment.approve(one.statement, deployment.bob);
    expect(other.signature).not.toBe(one.bob.signature);
    expect(await signed(one, [one.alice, other, one.carol])).toBe('approval-follows-unknown');
  });

  const named: readonly (readonly [string, (one: Asked) => readonly string[]])[] = [
    ['nothing that there is', () => ['ab'.repeat(32)]],
    ['an approval of another transfer', ({ statement: _, ...one }) => digests(asked(), [one.alice])],
    [
      'an approval of the same transfer over an earlier statement',
      ({ request }) => {
        const statement = deployment.statement(request, { expiresAtMs: deployment.time.wall });
        return [givenApprovalDigest(deployment.approve(statement, deployment.alice), statement)];
      },
    ],
    [
      'a rejection',
      ({ statement }) => [
        givenApprovalDigest(deployment.approve(statement, deployment.bob, 'reject'), statement),
      ],
    ],
    [
      'an earlier approval of its own',
      ({ statement }) => [givenApprovalDigest(deployment.approve(statement, deployment.carol), statement)],
    ],
  ];
  it.each(named)(
    'one that follows what is not there: %s (approval-follows-unknown)',
    async (_what, foreign) => {
      const one = asked();
      const follows = [...digests(one, [one.alice, one.bob]), ...foreign(one)].sort();
      const carol = deployment.approveNaming(one.statement, deployment.carol, follows);
      expect(await signed(one, [one.alice, one.bob, carol])).toBe('approval-follows-unknown');
    },
  );

  it('a last one whose names were taken away, changed, exchanged or added to (approval-signature-invalid)', async () => {
    const one = asked();
    const blind = deployment.approve(one.statement, deployment.carol);
    const { follows: named = [], ...stripped } = one.carol;
    const [first = '', second = ''] = named;
    for (const carol of [
      stripped,
      naming(one.carol, [first]),
      naming(one.carol, [changed(first), second]),
      naming(one.carol, [first, second, 'ab'.repeat(32)]),
      naming(blind, digests(one, [one.alice, one.bob])),
    ]) {
      expect(await signed(one, [one.alice, one.bob, carol])).toBe('approval-signature-invalid');
    }
  });

  it('names that stand in another order, twice, or with a rejection, before it looks at anything (message-malformed)', async () => {
    const one = asked();
    const [first = '', second = ''] = one.carol.follows ?? [];
    for (const carol of [
      { ...one.carol, follows: [second, first] },
      { ...one.carol, follows: [first, first, second] },
      { ...one.carol, follows: [] },
      { ...one.carol, verdict: 'reject' as const },
    ]) {
      expect(await signed(one, [one.alice, one.bob, carol])).toBe('message-malformed');
    }
  });
});

function digests({ statement }: Pick<Asked, 'statement'>, approvals: readonly Approval[]): readonly string[] {
  return approvals.map((one) => givenApprovalDigest(one, statement));
}
