// A compromised orchestrator at the signer's socket has every request and approval that was ever made, and puts others
// beside the bytes than belong there.

import { describe, expect, it } from '@jest/globals';
import { type Backend, BTC, Deployment, makeBackend, makeOfficer } from '../../devnet/deployment.js';
import { codeOf } from '../../devnet/socket-client.js';
import { coin, payTo } from '../../devnet/transactions.js';
import type { SigningOrder } from '../../src/core/authorization/signing-order.js';
import type { RequestStatement, SignedRequest } from '../../src/core/statements/request.js';
import {
  ALICE_BTC,
  type Attack,
  bitcoinOrder,
  bitcoinTransfer,
  deployment,
  ethereumRequest,
  own,
  prepareAttacks,
  signer,
  THIEF_BTC,
  withStatement,
  withTransfer,
} from './honest-orders.js';

prepareAttacks();

describe('requests: the signer refuses', () => {
  const stranger = makeBackend('exchange-1', ['exchange']);
  /** The honest order, but for its request: approved as it is, so that nothing else would keep it from being signed. */
  const asked = (altered: Partial<RequestStatement>, by?: Backend): SigningOrder => {
    const request = deployment.request({ amount: '5000000', destination: ALICE_BTC, ...altered }, by);
    return bitcoinOrder({ transfers: [deployment.transfer(request, [deployment.alice, deployment.bob])] });
  };
  const attacks: readonly Attack[] = [
    [
      "a foreign key's signature under a registered key id",
      'request-signature-invalid',
      () => asked({}, stranger),
    ],
    ['a key that is not registered', 'request-key-unknown', () => asked({ keyId: 'exchange-2' })],
    [
      'a request for another deployment',
      'request-other-deployment',
      () => asked({ deploymentId: 'ab'.repeat(32) }),
    ],
    [
      'an expired request',
      'request-expired',
      () =>
        bitcoinOrder({
          transfers: [
            bitcoinTransfer({
              createdAtMs: deployment.time.wall - 10_000,
              expiresAtMs: deployment.time.wall,
            }),
          ],
        }),
    ],
    [
      'a request that would live for a month',
      'request-lifetime',
      () =>
        bitcoinOrder({
          transfers: [bitcoinTransfer({ expiresAtMs: deployment.time.wall + 30 * 86_400_000 })],
        }),
    ],
    [
      'a requester whom the key does not speak for',
      'requester-not-owner',
      () => bitcoinOrder({ transfers: [bitcoinTransfer({ requester: 'mallory' })] }),
    ],
    [
      'a request for another wallet',
      'wallet-mismatch',
      () => bitcoinOrder({ transfers: [deployment.transfer(ethereumRequest())] }),
    ],
    [
      'one request twice in an order',
      'transfer-duplicate',
      () => {
        const transfer = bitcoinTransfer();
        return bitcoinOrder({ transfers: [transfer, transfer] });
      },
    ],
    [
      'an amount that no rule matches',
      'policy-refused',
      () =>
        bitcoinOrder({
          transfers: [bitcoinTransfer({ amount: '100000001' })],
          coins: [coin(own, 200_000_000n)],
          outputs: [payTo(ALICE_BTC, 100_000_001n), { script: own, amountSats: 99_990_000n }],
        }),
    ],
  ];
  it.each(attacks)('%s (%s)', async (_title, code, order) => {
    expect(codeOf(await signer.sign(order()))).toBe(code);
  });

  it('a request id that served another request (request-id-used)', async () => {
    expect(
      codeOf(await signer.sign(bitcoinOrder({ transfers: [bitcoinTransfer({ requestId: 'only-once' })] }))),
    ).toBe('done');
    const again = bitcoinOrder({
      transfers: [bitcoinTransfer({ requestId: 'only-once', customer: 'customer-8' })],
    });
    expect(codeOf(await signer.sign(again))).toBe('request-id-used');
  });
});

describe('approvals: the signer refuses', () => {
  const approvedBy = (
    officers: Parameters<Deployment['transfer']>[1],
    request?: SignedRequest,
  ): SigningOrder =>
    bitcoinOrder({
      transfers: [
        deployment.transfer(
          request ?? deployment.request({ amount: '5000000', destination: ALICE_BTC }),
          officers,
        ),
      ],
    });
  const attacks: readonly Attack[] = [
    ['no approval', 'approvals-insufficient', () => approvedBy([])],
    ['one approval where two are needed', 'approvals-insufficient', () => approvedBy([deployment.alice])],
    ['one officer twice', 'approver-duplicate', () => approvedBy([deployment.alice, deployment.alice])],
    [
      'somebody who was never in the roster',
      'approver-not-in-roster',
      () => approvedBy([deployment.alice, makeOfficer('mallory')]),
    ],
    [
      "a stranger's signature under an officer's name",
      'approval-signature-invalid',
      () => approvedBy([deployment.alice, makeOfficer('bob', 'bob-token')]),
    ],
    [
      "the requester's own approval",
      'approver-is-requester',
      () =>
        approvedBy(
          [deployment.alice, deployment.carol],
          deployment.request({ amount: '5000000', destination: ALICE_BTC }, deployment.desk),
        ),
    ],
    [
      'approvals of another transfer',
      'approval-other-transfer',
      () => {
        const other = bitcoinTransfer({ customer: 'customer-9' });
        return withTransfer((transfer) => ({ ...other, request: transfer.request }));
      },
    ],
    [
      'approvals of another deployment',
      'approval-other-deployment',
      () => withStatement({ deploymentId: 'cd'.repeat(32) }),
    ],
    ['approvals of another amount', 'approval-altered', () => withStatement({ amount: '4999999' })],
    ['approvals of another destination', 'approval-altered', () => withStatement({ destination: THIEF_BTC })],
    [
      'approvals of another asset',
      'approval-altered',
      () => withStatement({ asset: { ...BTC, decimals: 7 } }),
    ],
    ['expired approvals', 'approval-expired', () => withStatement({ expiresAtMs: deployment.time.wall })],
    [
      'a policy hash that is not in force',
      'policy-not-in-force',
      () => withStatement({ policyHash: 'ef'.repeat(32) }),
    ],
    [
      'a governance head that is not in its log',
      'governance-head-unknown',
      () => withStatement({ governanceHead: 'ef'.repeat(32) }),
    ],
    [
      'a statement changed after it was approved',
      'approval-signature-invalid',
      () =>
        withTransfer((transfer) => ({
          ...transfer,
          statement: transfer.statement && {
            ...transfer.statement,
            expiresAtMs: transfer.statement.expiresAtMs + 1,
          },
        })),
    ],
    [
      'a rejection in the place of an approval',
      'approval-is-rejection',
      () =>
        withTransfer((transfer) => ({
          ...transfer,
          approvals: [
            ...transfer.approvals.slice(0, 1),
            ...(transfer.statement
              ? [deployment.approve(transfer.statement, deployment.carol, 'reject')]
              : []),
          ],
        })),
    ],
    [
      'a rejection relabelled as an approval',
      'approval-signature-invalid',
      () =>
        withTransfer((transfer) => ({
          ...transfer,
          approvals: [
            ...transfer.approvals.slice(0, 1),
            ...(transfer.statement
              ? [
                  {
                    ...deployment.approve(transfer.statement, deployment.carol, 'reject'),
                    verdict: 'approve' as const,
                  },
                ]
              : []),
          ],
        })),
    ],
    [
      'approvals without the statement that they are about',
      'approval-without-statement',
      () => withTransfer((transfer) => ({ ...transfer, statement: null })),
    ],
  ];
  it.each(attacks)('%s (%s)', async (_title, code, order) => {
    expect(codeOf(await signer.sign(order()))).toBe(code);
  });
});
