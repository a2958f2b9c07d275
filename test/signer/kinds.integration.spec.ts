// What a request says that it is, at the signer's socket: a rule that lets sweeps leave unattended is worth what the label is
// worth. The attacker has the exchange's request key and no officer.

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Deployment, ETH, ETHEREUM } from '../../devnet/deployment.js';
import { codeOf, type SocketClient } from '../../devnet/socket-client.js';
import { eip1559 } from '../../devnet/transactions.js';
import { verifyCertificate } from '../../src/core/certificates/verify.js';
import type { Change, PolicyDocument, Tier } from '../../src/core/governance/entry.js';
import { addressOfPublicKey } from '../../src/core/intents/ethereum/address.js';
import type { TransferKind } from '../../src/core/statements/fields.js';
import { nativeVerifier } from '../../src/platform/native-verifier.js';
import { certificatesResult } from '../../src/signer-protocol/messages.js';

const STRANGER = '0x00000000000000000000000000000000000000AA';
const VALUE = 1_000_000_000_000_000n;

function documentFor(tier: Tier, unattended: TransferKind): PolicyDocument {
  return {
    name: `${tier}-ethereum`,
    lines: [
      `policy: ${tier}-ethereum`,
      `applies-to: { wallets: [${tier}-eth] }`,
      'fee-caps: { absolute: "0.02 ETH", relative: "100%" }',
      'rules:',
      `  - { id: inside, when: { asset: ETH, kind-in: [${unattended}] }, then: allow }`,
      '  - { id: outside, when: { asset: ETH }, then: { approve: [{ group: treasury, quorum: 2 }] } }',
    ],
  };
}

let deployment: Deployment;
let signer: SocketClient;
let hot: string;
let warm: string;
const nonces = new Map<string, number>();

beforeAll(async () => {
  deployment = await Deployment.create();
  signer = await deployment.start();
  const token = deployment.spawnTreasury();
  let publicKey: string;
  try {
    const made = (await token.generateKey('warm-eth-1', 'secp256k1')).publicKey;
    publicKey = `${Number.parseInt(made.slice(-2), 16) % 2 ? '03' : '02'}${made.slice(2, 66)}`;
  } finally {
    await token.close();
  }
  hot = addressOfPublicKey(deployment.publicKeys.ethereum);
  warm = addressOfPublicKey(publicKey);
  const keys = [{ label: 'warm-eth-1', publicKey }];
  const wallet = { walletId: 'warm-eth', chain: ETHEREUM, tier: 'warm', token: 'treasury', keys } as const;
  await governed({ kind: 'wallet-added', wallet });
  deployment.policies = [documentFor('hot', 'sweep'), documentFor('warm', 'refill')];
  await governed({ kind: 'policies-set', policies: [...deployment.policies] });
});
afterAll(() => deployment.destroy());

async function governed(change: Change): Promise<void> {
  const entry = deployment.entry(change, [deployment.alice, deployment.bob]);
  expect(codeOf(await signer.ask({ verb: 'governance-append', entry }))).toBe('done');
  deployment.log.push(entry);
}

function requestOf(kind: TransferKind, wallet: string, destination: string) {
  return deployment.request({
    kind,
    chain: ETHEREUM,
    wallet,
    asset: ETH,
    amount: VALUE.toString(),
    destination,
    feeCeiling: '2000000000000000',
  });
}

/** Asks for it with what its bytes pay, and whoever approves. */
async function signed(
  request: ReturnType<typeof requestOf>,
  to: string,
  approve: 'nobody' | 'two' = 'nobody',
): Promise<string> {
  const { wallet } = request.statement;
  const nonce = nonces.get(wallet) ?? 0;
  const officers = approve === 'two' ? [deployment.alice, deployment.bob] : [];
  const code = codeOf(
    await signer.sign({
      wallet,
      transaction: eip1559({ nonce, to, value: VALUE }),
      transfers: [deployment.transfer(request, officers)],
    }),
  );
  if (code === 'done') nonces.set(wallet, nonce + 1);
  return code;
}

const paid = (kind: TransferKind, wallet: string, to: string, approve?: 'nobody' | 'two') =>
  signed(requestOf(kind, wallet, to), to, approve);

describe('a kind that a rule goes by', () => {
  it('lets what is one leave by that rule, and proves it offline', async () => {
    expect(await paid('sweep', 'hot-eth', warm)).toBe('done');
    expect(await paid('refill', 'warm-eth', hot)).toBe('done');
    const answer = await signer.ask({ verb: 'certificates', fromOrdinal: 1, most: 64 });
    if (answer.kind !== 'done') throw new Error(codeOf(answer));
    const { certificates } = certificatesResult.parse(answer.result);
    expect(certificates.map((one) => one.reservation.transfers[0]?.decision.rule)).toEqual([
      'hot-ethereum/inside',
      'warm-ethereum/inside',
    ]);
    for (const one of certificates) {
      expect(verifyCertificate(one, deployment.log, deployment.deploymentId, nativeVerifier).kind).toBe(
        'accepted',
      );
    }
  });

  it.each<[TransferKind, string, () => string]>([
    ['sweep', 'hot-eth', () => STRANGER],
    ['sweep', 'warm-eth', () => hot],
    ['refill', 'hot-eth', () => warm],
    ['refill', 'warm-eth', () => STRANGER],
    ['safu-contribution', 'hot-eth', () => warm],
    ['safu-payout', 'hot-eth', () => STRANGER],
  ])(
    'is refused where the bytes contradict it, with every approval that there is: %s of %s',
    async (kind, wallet, to) => {
      expect(await paid(kind, wallet, to())).toBe('kind-contradicted');
      expect(await paid(kind, wallet, to(), 'two')).toBe('kind-contradicted');
    },
  );

  it('is no way out for bytes that pay another than the request says', async () => {
    expect(await signed(requestOf('sweep', 'hot-eth', warm), STRANGER)).toBe('destination-mismatch');
  });

  it('is signed: it cannot be put on a request, nor an approval of another kind be used for it', async () => {
    const { statement, signature } = requestOf('withdrawal', 'hot-eth', warm);
    expect(await signed({ statement: { ...statement, kind: 'sweep' }, signature }, warm)).toBe(
      'request-signature-invalid',
    );
    const request = requestOf('withdrawal', 'hot-eth', warm);
    const approved = deployment.transfer(request, [deployment.alice, deployment.bob]);
    const other = approved.statement && { ...approved.statement, kind: 'sweep' as const };
    const order = {
      wallet: 'hot-eth',
      transaction: eip1559({ nonce: nonces.get('hot-eth') ?? 0, to: warm, value: VALUE }),
      transfers: [{ ...approved, statement: other }],
    };
    expect(codeOf(await signer.sign(order))).toBe('approval-altered');
  });

  it('leaves what claims nothing to the rules for everything', async () => {
    expect(await paid('withdrawal', 'hot-eth', warm)).toBe('approvals-insufficient');
    expect(await paid('withdrawal', 'hot-eth', STRANGER)).toBe('approvals-insufficient');
    expect(await paid('withdrawal', 'hot-eth', STRANGER, 'two')).toBe('done');
  });

  it('that nobody knows is no request', async () => {
    const request = requestOf('withdrawal', 'hot-eth', warm);
    const statement = { ...request.statement, kind: 'consolidation' };
    const order = {
      wallet: 'hot-eth',
      transaction: eip1559({ nonce: 9, to: warm, value: VALUE }),
      transfers: [{ request: { ...request, statement }, statement: null, approvals: [] }],
    };
    expect(codeOf(await signer.ask({ verb: 'sign', order }))).toBe('message-malformed');
  });
});
