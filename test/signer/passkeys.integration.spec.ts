// A real signer, and officers who approve with passkeys: an authenticator played by OpenSSL, and every way in which a browser or
// whoever stands between may lie about what was signed.

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Deployment } from '../../devnet/deployment.js';
import { codeOf, type SocketClient } from '../../devnet/socket-client.js';
import { coin, payTo, psbt } from '../../devnet/transactions.js';
import { verifyCertificate } from '../../src/core/certificates/verify.js';
import { type Change, credential, entryBytes, type Person } from '../../src/core/governance/entry.js';
import { p2wpkhScript } from '../../src/core/intents/bitcoin/address.js';
import { type Approval, approval, approvalBytes } from '../../src/core/statements/approval.js';
import { type Altered, aPasskey, type Passkey } from '../../src/core/statements/passkey.fixture.js';
import { portableVerifier } from '../../src/core/statements/signature.js';
import { passkeySignature } from '../../src/sdk/passkeys.js';
import { nativeVerifier } from '../../src/platform/native-verifier.js';

const policyWith = (requirement: string) => [
  'policy: hot-bitcoin',
  'applies-to: { wallets: [hot-btc] }',
  'fee-caps: { absolute: "0.001 BTC", relative: "5%" }',
  'rules:',
  `  - { id: approved, when: { asset: BTC }, then: { approve: [${requirement}] } }`,
];

let deployment: Deployment;
let signer: SocketClient;
const doras = aPasskey();

const dora: Person = {
  personId: 'dora',
  name: 'dora',
  credentials: [
    credential.parse({
      credentialId: 'dora-passkey',
      credentialClass: 'passkey',
      algorithm: 'webauthn-es256',
      ...doras.key,
    }),
  ],
};

async function append(change: Change): Promise<string> {
  const entry = deployment.entry(change, [deployment.alice, deployment.bob]);
  const code = codeOf(await signer.ask({ verb: 'governance-append', entry }));
  if (code === 'done') deployment.log.push(entry);
  return code;
}

async function setPolicy(requirement: string): Promise<string> {
  const lines = policyWith(requirement);
  const policies = deployment.policies.map((one) => (one.name === 'hot-bitcoin' ? { ...one, lines } : one));
  const code = await append({ kind: 'policies-set', policies });
  if (code === 'done') deployment.policies = policies;
  return code;
}

beforeAll(async () => {
  deployment = await Deployment.create();
  signer = await deployment.start();
  expect(await append({ kind: 'person-added', person: dora, groups: ['treasury', 'governors'] })).toBe(
    'done',
  );
  expect(await setPolicy('{ group: treasury, quorum: 2 }')).toBe('done');
});
afterAll(() => deployment.destroy());

/** A transfer with the approvals of alice's token and of a passkey. */
function order(altered: Altered = {}, passkey: Passkey = doras) {
  const request = deployment.request();
  const statement = deployment.statement(request);
  const bytes = approvalBytes('approve', statement);
  const shown = approval.parse({
    credentialId: 'dora-passkey',
    verdict: 'approve',
    signature: passkeySignature(passkey.assertion(bytes, altered)),
  });
  const own = p2wpkhScript(deployment.publicKeys.bitcoin);
  const transaction = psbt(
    [coin(own, 1_000_000n)],
    [payTo(request.statement.destination, 500_000n), { script: own, amountSats: 499_000n }],
  );
  const with_ = (approvals: readonly Approval[]) => ({
    wallet: 'hot-btc',
    transaction,
    transfers: [{ request, statement, approvals: [...approvals] }],
  });
  const alices = deployment.approve(statement, deployment.alice);
  return { order: with_([alices, shown]), with: with_, shown, alices };
}

describe('a signer', () => {
  it('takes an approval by a passkey for a person’s, and whoever audits its certificate does', async () => {
    const { order: both, with: with_, shown } = order();
    expect(codeOf(await signer.sign(with_([shown])))).toBe('approvals-insufficient');
    const { certificate } = await signer.signed(both);
    for (const verifier of [portableVerifier, nativeVerifier]) {
      const audited = verifyCertificate(certificate, deployment.log, deployment.deploymentId, verifier);
      expect(audited).toMatchObject({ kind: 'accepted' });
    }
    const altered = structuredClone(certificate);
    const [, given] = altered.reservation.order.transfers[0]?.approvals ?? [];
    if (!given) throw new Error('no approval in the certificate');
    const [rs = '', data = '', client = ''] = given.signature.split('.');
    const first = client.startsWith('e') ? 'f' : 'e';
    Object.assign(given, { signature: `${rs}.${data}.${first}${client.slice(1)}` });
    expect(
      verifyCertificate(altered, deployment.log, deployment.deploymentId, portableVerifier),
    ).toMatchObject({ kind: 'refused', code: 'approval-signature-invalid' });
  });

  it.each<[string, Altered]>([
    ['another origin', { origin: 'https://exchange.example' }],
    ['another relying party', { rpId: 'officers.exchange.example' }],
    ['another challenge', { challenge: 'A'.repeat(43) }],
    ['a registration', { type: 'webauthn.create' }],
    ['a page inside another page', { crossOrigin: 'true' }],
    ['nobody recognised', { flags: 0x01 }],
    ['nobody there', { flags: 0x04 }],
    ['a key that may be copied', { flags: 0x0d }],
    ['a second challenge behind the first', { more: `,"challenge":"${'A'.repeat(43)}"` }],
  ])('refuses one with %s', async (_, altered) => {
    expect(codeOf(await signer.sign(order(altered).order))).toBe('approval-signature-invalid');
  });

  it('refuses one by another passkey, and one of a token in its place', async () => {
    expect(codeOf(await signer.sign(order({}, aPasskey()).order))).toBe('approval-signature-invalid');
    const { with: with_, alices } = order();
    const claimed = { ...alices, credentialId: 'dora-passkey' };
    expect(codeOf(await signer.sign(with_([claimed])))).toBe('approval-signature-invalid');
  });

  it('does not even look at one that is longer than a passkey makes it', async () => {
    const { with: with_, shown } = order();
    const longer = { ...shown, signature: `${shown.signature}${'A'.repeat(1_400)}` };
    expect(codeOf(await signer.sign(with_([longer])))).toBe('message-malformed');
  });

  it('takes no passkey for a display: such a policy cannot be set, nor met', async () => {
    const asked = '{ group: treasury, quorum: 2, with: { device-display: 1 } }';
    expect(await setPolicy(asked)).toBe('governance-change-invalid');
    const ledger = {
      credentialId: 'alice-ledger',
      credentialClass: 'device-display',
      algorithm: 'eip191',
      publicKey: '02ef5b152e3f15eb0c50c9916161c2309e54bd87b9adce722d69716bcdef85f547',
    } as const;
    expect(await append({ kind: 'credential-added', personId: 'alice', credential: ledger })).toBe('done');
    expect(await setPolicy(asked)).toBe('done');
    expect(codeOf(await signer.sign(order().order))).toBe('approvals-insufficient');
    expect(await setPolicy('{ group: treasury, quorum: 2 }')).toBe('done');
  });

  it('counts it under an entry of governance, and no more once it was removed', async () => {
    const change = { kind: 'request-key-removed', keyId: deployment.desk.keyId } as const;
    const entry = deployment.entry(change, [deployment.alice]);
    const by = (bytes: Uint8Array) => passkeySignature(doras.assertion(bytes));
    const signature = by(entryBytes(entry.body));
    const both = { ...entry, signatures: [...entry.signatures, { credentialId: 'dora-passkey', signature }] };
    const otherEntry = by(new Uint8Array(3));
    const lie = {
      ...entry,
      signatures: [...entry.signatures, { credentialId: 'dora-passkey', signature: otherEntry }],
    };
    expect(codeOf(await signer.ask({ verb: 'governance-append', entry: lie }))).toBe(
      'governance-signature-invalid',
    );
    expect(codeOf(await signer.ask({ verb: 'governance-append', entry: both }))).toBe('done');
    deployment.log.push(both);

    const before = order();
    expect(await append({ kind: 'person-removed', personId: 'dora' })).toBe('done');
    expect(codeOf(await signer.sign(before.order))).toBe('approver-not-in-roster');
  });
});
