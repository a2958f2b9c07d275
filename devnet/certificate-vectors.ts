// Makes the test vectors of the verifier anew, after the format of a certificate or of what it rests on has changed:
//   npm run build && node dist/devnet/certificate-vectors.js
// The certificates are a real signer's on a SoftHSM token; its keys are gone afterwards. Those that are tampered with are made
// from them, and what each has to come to stands in `expected.json`: it follows from the documents, and not from what the verifier says.

import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DECISION_VERSION } from '../src/core/authorization/decision-version.js';
import {
  type Certificate,
  certificateSchemaText,
  decisionsOf,
} from '../src/core/certificates/certificate.js';
import type { CertificateRefusalCode } from '../src/core/certificates/verify.js';
import type { Approval } from '../src/core/statements/approval.js';
import { canonicalJson } from '../src/core/statements/canonical-json.js';
import { P256_ORDER } from '../src/core/statements/p256-spelling.js';
import { at, bare, FOLDER, reserved, Vectors } from './certificate-cases.js';
import { buriedVectors } from './certificate-vectors-buried.js';
import { vouchedVectors } from './certificate-vectors-vouched.js';
import { watchedVectors } from './certificate-vectors-watched.js';
import { collect, NEW_KEY, OLD_KEY } from './certificates-collected.js';
import { Deployment } from './deployment.js';
import { forgedPage, rejournaled } from './forged-pages.js';

function decided(one: Certificate, changes: object): Certificate {
  const transfers = one.reservation.transfers.map((transfer) => ({
    ...transfer,
    decision: { ...transfer.decision, ...changes },
  }));
  return reserved(one, { transfers });
}

function attestedOtherwise(one: Certificate, changes: object): unknown {
  const { attestation } = one;
  return { ...one, attestation: { ...attestation, statement: { ...attestation?.statement, ...changes } } };
}

function genuine(vectors: Vectors, all: readonly Certificate[]): void {
  vectors.add('all', all, 'every certificate of a deployment', 'proved', [], true);
  vectors.add('approved-payment', [at(all, 1)], 'a payment that two officers approved');
  vectors.add('fee-bump', [at(all, 2)], 'a replacement with a higher fee');
  vectors.add('ether', [at(all, 3)], 'a transfer of ether that a rule allows');
  vectors.add('begun', [at(all, 5)], 'begun, and not signed until the signer attested so');
  vectors.add('ended', [at(all, 6)], 'void: not signed, and never to be');
  vectors.add('cancel', [at(all, 7)], 'a cancel, which pays the wallet itself');
  vectors.add(
    'in-steps',
    [at(all, 8)],
    'a payment that two approved, one of them with a passkey, and then a third with a device, in the month of a calendar limit',
  );
  vectors.add('by-the-new-key', [at(all, 9)], 'begun after the attestation key was replaced');
  vectors.add('not-attested', [bare(at(all, 1))], 'as it comes with the signature', 'unattested');
  const transferId = decisionsOf(at(all, 1))[0]?.transferId ?? '';
  vectors.addText(
    'answer-of-the-api.json',
    canonicalJson({ transferId, certificates: [at(all, 1), at(all, 2)] }),
    'as the API sends it',
    'proved',
    [],
  );
  vectors.addText(
    'answer-in-another-order.json',
    JSON.stringify({ transferId, certificates: [at(all, 1)] }),
    'an answer of the API in another order of its keys',
    'malformed',
    ['certificate-malformed'],
  );
  const answer = (certificates: readonly Certificate[]) =>
    canonicalJson({ transferId: decisionsOf(at(all, 4))[0]?.transferId ?? '', certificates });
  vectors.addText(
    'answer-with-its-cancel.json',
    answer([at(all, 4), at(all, 7)]),
    'a transfer with what cancels it',
    'proved',
    [],
  );
  vectors.addText(
    'answer-of-a-cancel-alone.json',
    answer([at(all, 7)]),
    'a cancel by itself, which says not what it cancels',
    'malformed',
    ['certificate-malformed'],
  );
}

function incomplete(vectors: Vectors, all: readonly Certificate[], begun: Certificate): void {
  const without = (left: number) => all.filter(({ reservation }) => reservation.ordinal !== left);
  vectors.add('without-one', without(4), 'the whole, but for one in the middle', 'gap', [], true);
  vectors.add('without-the-newest', all.slice(0, 7), 'the whole, but for the newest', 'gap', [], true);
  // It says when it counted them, and `verify` does: what was begun since needs a word of the key that is in force.
  vectors.add(
    'until-the-rotation',
    all.slice(0, 8),
    'the whole, as far as the key before knew',
    'proved',
    [],
    true,
  );
  vectors.add(
    'with-one-outdated',
    [...without(10), begun],
    'one is shown as it was before its signature',
    'gap',
    [],
    true,
  );
  vectors.add('some', without(4), 'some, which are not said to be all');
}

function tampered(vectors: Vectors, all: readonly Certificate[]): void {
  const [first, second] = [at(all, 1), at(all, 2)];
  const other = 'ab'.repeat(32);
  const add = (name: string, one: unknown, why: string, code: CertificateRefusalCode) =>
    vectors.add(name, [one], why, 'refused', [code]);
  add(
    'other-serial',
    { ...first, outcome: { ...first.outcome, tokenSerial: '0' } },
    'attested, and one word is another',
    'certificate-attestation-mismatch',
  );
  add(
    'other-path',
    { ...first, attestation: second.attestation },
    'with the attestation of another',
    'certificate-attestation-mismatch',
  );
  add(
    'other-newest',
    attestedOtherwise(first, { newestOrdinal: 99 }),
    'the attestation counts others',
    'certificate-attestation-invalid',
  );
  add(
    'other-range',
    attestedOtherwise(first, { fromOrdinal: 2 }),
    'the attestation is about others',
    'certificate-attestation-other',
  );
  add(
    'begun-not-attested',
    { ...bare(first), outcome: { kind: 'begun' } },
    'a signature is hidden, and nobody attests it',
    'certificate-attestation-missing',
  );
  add(
    'other-approvers',
    decided(bare(first), { approvers: ['alice', 'carol'] }),
    'another officer is said to have approved',
    'certificate-decision-mismatch',
  );
  add(
    'other-rule',
    decided(bare(first), { rule: 'hot-bitcoin/small' }),
    'another rule is said to have matched',
    'certificate-decision-mismatch',
  );
  const [transfer] = first.reservation.order.transfers;
  if (!transfer) throw new Error('no transfer');
  const order = {
    ...first.reservation.order,
    transfers: [{ ...transfer, approvals: transfer.approvals.slice(1) }],
  };
  add('one-approval', reserved(bare(first), { order }), 'an approval is left out', 'approvals-insufficient');
  add(
    'other-document',
    reserved(bare(first), { documents: [{ name: 'hot-bitcoin', sha256: other }] }),
    'a policy document is said to have had another text',
    'certificate-reservation-mismatch',
  );
  add(
    'other-place',
    { ...bare(first), journalPrevious: other },
    'another place in the journal',
    'certificate-journal-mismatch',
  );
  add(
    'other-transaction',
    { ...bare(first), outcome: second.outcome },
    'with the signature of another',
    'certificate-transaction-mismatch',
  );
  add(
    'other-head',
    reserved(bare(first), { governanceHead: other }),
    'under another governance',
    'certificate-governance-mismatch',
  );
  vectors.add(
    'other-deployment',
    [{ ...bare(first), deploymentId: other }],
    'of another deployment',
    'mismatch',
    ['certificate-other-deployment'],
  );
  tamperedSteps(vectors, at(all, 8));
  const { attestation } = first;
  const signature = attestation?.signature ?? '';
  const s = P256_ORDER - BigInt(`0x${signature.slice(64)}`);
  add(
    'other-spelling',
    {
      ...first,
      attestation: { ...attestation, signature: signature.slice(0, 64) + s.toString(16).padStart(64, '0') },
    },
    "the other spelling of the attestation's signature, which verifies as well",
    'certificate-attestation-invalid',
  );
  const text = canonicalJson(first);
  vectors.addText('formatted.json', JSON.stringify(first, undefined, 2), 'formatted', 'malformed', [
    'certificate-malformed',
  ]);
  vectors.addText('with-a-blank.jsonl', text.replace(':', ': '), 'a blank in it', 'malformed', [
    'certificate-malformed',
  ]);
  vectors.addText('cut-off.jsonl', text.slice(0, -1), 'its end is missing', 'malformed', [
    'certificate-malformed',
  ]);
}

/** A passkey's signature with another client data, and a device's approval that names one only of those that it follows. */
function tamperedSteps(vectors: Vectors, one: Certificate): void {
  const [transfer] = one.reservation.order.transfers;
  if (!transfer) throw new Error('no transfer');
  const given = (altered: (approval: Approval) => Approval) => {
    const order = {
      ...one.reservation.order,
      transfers: [{ ...transfer, approvals: transfer.approvals.map(altered) }],
    };
    return reserved(bare(one), { order });
  };
  const clientData = Buffer.from('{"type":"webauthn.get","challenge":""}').toString('base64url');
  vectors.add(
    'passkey-elsewhere',
    [
      given((approval) => {
        const [rs = '', data = '', said] = approval.signature.split('.');
        return said === undefined ? approval : { ...approval, signature: `${rs}.${data}.${clientData}` };
      }),
    ],
    'what the browser signed is about something else',
    'refused',
    ['approval-signature-invalid'],
  );
  vectors.add(
    'follows-one-only',
    [given((approval) => ({ ...approval, ...(approval.follows && { follows: approval.follows.slice(1) }) }))],
    'the last officer is said to have seen one approval before, and saw two',
    'refused',
    ['approval-signature-invalid'],
  );
}

/** Decided by a signer of another version; nothing else of them is another. */
function ofOtherRules(vectors: Vectors, one: Certificate): void {
  const other = rejournaled([reserved(bare(one), { signerVersion: '0.0.1' })]);
  vectors.add(
    'other-rules',
    other,
    'decided by rules that this version of the verifier does not have',
    'other-rules',
    ['certificate-other-rules'],
  );
  const [transfer] = one.reservation.order.transfers;
  if (!transfer) throw new Error('no transfer');
  const [first, ...more] = transfer.approvals;
  if (!first) throw new Error('no approval');
  const approvals = [{ ...first, signature: '00'.repeat(64) }, ...more];
  const order = { ...one.reservation.order, transfers: [{ ...transfer, approvals }] };
  vectors.add(
    'other-rules-not-approved',
    rejournaled([reserved(bare(one), { signerVersion: '0.0.1', order })]),
    'by whatever rules, an approval is not signed',
    'refused',
    ['approval-signature-invalid'],
  );
}

/** Certificates of this version, to be kept for ever: only where there are none yet. */
function keepVersion(deployment: Deployment, all: readonly Certificate[]): void {
  const folder = join(FOLDER, '..', 'versions', DECISION_VERSION);
  if (existsSync(folder)) return;
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'certificates.jsonl'), all.map((one) => `${canonicalJson(one)}\n`).join(''));
  writeFileSync(join(folder, 'governance.json'), `${JSON.stringify(deployment.log)}\n`);
  writeFileSync(join(folder, 'deployment.txt'), `${deployment.deploymentId}\n`);
}

/** Whoever has the key from before the rotation: of what was begun since, it vouches for nothing. */
async function keysFromBefore(
  vectors: Vectors,
  deployment: Deployment,
  all: readonly Certificate[],
  before: readonly Certificate[],
): Promise<void> {
  vectors.add('kept-from-before', before, 'kept since before the attestation key was replaced');
  const newest = await forgedPage(deployment, [at(all, 9)], OLD_KEY);
  vectors.add('by-the-old-key', newest, 'the replaced key vouches for what was begun since', 'refused', [
    'certificate-attestation-invalid',
  ]);
  const early = await forgedPage(deployment, [at(all, 8)], NEW_KEY);
  vectors.add('new-key-too-early', early, 'the new key vouches for what was begun before it', 'refused', [
    'certificate-attestation-invalid',
  ]);
}

async function make(): Promise<void> {
  const deployment = await Deployment.create();
  try {
    const { all, before, begun } = await collect(deployment);
    rmSync(FOLDER, { recursive: true, force: true });
    mkdirSync(FOLDER, { recursive: true });
    writeFileSync(join(FOLDER, 'governance.json'), `${JSON.stringify(deployment.log)}\n`);
    const [genesis] = deployment.log;
    writeFileSync(join(FOLDER, 'genesis.json'), `${JSON.stringify(genesis)}\n`);
    writeFileSync(join(FOLDER, 'deployment.txt'), `${deployment.deploymentId}\n`);
    const vectors = new Vectors();
    genuine(vectors, all);
    incomplete(vectors, all, begun);
    tampered(vectors, all);
    await keysFromBefore(vectors, deployment, all, before);
    ofOtherRules(vectors, at(all, 1));
    vouchedVectors(vectors, deployment, at(all, 3));
    watchedVectors(vectors, all);
    buriedVectors(vectors, deployment, all);
    vectors.write();
    keepVersion(deployment, all);
    writeFileSync(join(FOLDER, '..', 'certificate.schema.json'), certificateSchemaText());
  } finally {
    await deployment.destroy();
  }
}

await make();
