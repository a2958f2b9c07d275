// Makes the test vectors of the verifier anew, after the format of a certificate or of what it rests on has changed:
//   npm run build && node dist/devnet/certificate-vectors.js
// The certificates are a real signer's on a SoftHSM token; its keys are gone afterwards. Those that are tampered with are made
// from them, and what each has to come to stands in `expected.json`.

import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Certificate, certificateSchemaText } from '../src/core/certificates/certificate.js';
import type { ChainRefusalCode } from '../src/core/certificates/chain.js';
import { EXIT_OF_VERDICT, type Verdict } from '../src/core/certificates/dossier.js';
import type { CertificateRefusalCode } from '../src/core/certificates/verify.js';
import { p2wpkhScript } from '../src/core/intents/bitcoin/address.js';
import { type CanonicalValue, canonicalJson } from '../src/core/statements/canonical-json.js';
import { certificatesResult } from '../src/signer-protocol/messages.js';
import { whileTokenFails } from './broken-token.js';
import { Deployment, ETH, ETHEREUM } from './deployment.js';
import { repositoryRoot } from './paths.js';
import { codeOf, type SocketClient } from './socket-client.js';
import { coin, eip1559, payTo, psbt } from './transactions.js';

const FOLDER = join(repositoryRoot, 'verifier', 'vectors');
const DESTINATION = 'bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080';
const DESTINATION_ETH = '0x70997970C51812dc3A010C7d01b50e0d17dc79C8';

interface Case {
  readonly why: string;
  readonly files: readonly string[];
  readonly whole: boolean;
  readonly exit: number;
  /** Of what is refused, in order. */
  readonly codes: readonly string[];
}

async function sign(client: SocketClient, order: Parameters<SocketClient['sign']>[0], code = 'done') {
  const found = codeOf(await client.sign(order));
  if (found !== code) throw new Error(`the signer answers ${found}`);
}

/** Seven reservations: a payment that two officers approved, a fee bump, ether, a small one, one begun, one void, a cancel. */
async function collect(deployment: Deployment): Promise<Certificate[]> {
  const client = await deployment.start();
  const own = p2wpkhScript(deployment.publicKeys.bitcoin);
  const paying = (
    transfer: ReturnType<Deployment['transfer']>,
    spent = coin(own, 10_000_000n),
    fee = 2_000n,
  ) => {
    const amountSats = BigInt(transfer.request.statement.amount);
    const change = { script: own, amountSats: 10_000_000n - amountSats - fee };
    return {
      wallet: 'hot-btc',
      transaction: psbt([spent], [payTo(DESTINATION, amountSats), change]),
      transfers: [transfer],
    };
  };
  const small = () => deployment.transfer(deployment.request({ amount: '100000', destination: DESTINATION }));
  const approved = deployment.transfer(deployment.request({ amount: '5000000', destination: DESTINATION }), [
    deployment.alice,
    deployment.bob,
  ]);
  const spent = coin(own, 10_000_000n);
  await sign(client, paying(approved, spent));
  deployment.time.advance(60_000);
  await sign(client, paying(approved, spent, 4_000n));
  const ether = deployment.request({
    chain: ETHEREUM,
    wallet: 'hot-eth',
    asset: ETH,
    amount: '1000000000000000',
    feeCeiling: '5000000000000000',
    destination: DESTINATION_ETH,
  });
  await sign(client, {
    wallet: 'hot-eth',
    transaction: eip1559({ to: DESTINATION_ETH, value: 1_000_000_000_000_000n }),
    transfers: [deployment.transfer(ether)],
  });
  const cancelledCoin = coin(own, 10_000_000n);
  await sign(client, paying(small(), cancelledCoin));
  const dropped = small();
  await whileTokenFails(deployment, async () => {
    await sign(client, paying(small()), 'internal');
    await sign(client, paying(dropped), 'internal');
  });
  const voided = codeOf(await client.ask({ verb: 'void', request: dropped.request }));
  if (voided !== 'done') throw new Error(`the signer answers ${voided}`);
  const back = { script: own, amountSats: 10_000_000n - 5_000n };
  await sign(client, { wallet: 'hot-btc', transaction: psbt([cancelledCoin], [back]), transfers: [] });
  const page = await client.ask({ verb: 'certificates', fromOrdinal: 1, most: 64 });
  if (page.kind !== 'done') throw new Error(`the signer answers ${codeOf(page)}`);
  return certificatesResult.parse(page.result).certificates;
}

/** What each file holds, and what it has to come to. */
class Vectors {
  readonly cases: Case[] = [];

  add(
    name: string,
    certificates: readonly unknown[],
    why: string,
    verdict: Verdict = 'proved',
    codes: readonly (CertificateRefusalCode | ChainRefusalCode)[] = [],
    whole = false,
  ): void {
    const text = certificates.map((one) => `${canonicalJson(one as CanonicalValue)}\n`).join('');
    this.addText(`${name}.jsonl`, text, why, verdict, codes, whole);
  }

  addText(
    file: string,
    text: string,
    why: string,
    verdict: Verdict,
    codes: readonly string[],
    whole = false,
  ): void {
    writeFileSync(join(FOLDER, file), text);
    this.cases.push({ why, files: [file], whole, exit: EXIT_OF_VERDICT[verdict], codes });
  }

  write(): void {
    writeFileSync(join(FOLDER, 'expected.json'), `${JSON.stringify(this.cases, undefined, 2)}\n`);
  }
}

type Reservation = Certificate['reservation'];

function bare({ attestation: _, ...rest }: Certificate): Certificate {
  return rest;
}

function reserved(one: Certificate, changes: Partial<Reservation>): Certificate {
  return { ...one, reservation: { ...one.reservation, ...changes } };
}

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

function at(certificates: readonly Certificate[], ordinal: number): Certificate {
  const found = certificates[ordinal - 1];
  if (!found) throw new Error(`no certificate ${ordinal}`);
  return found;
}

function genuine(vectors: Vectors, all: readonly Certificate[]): void {
  vectors.add('all', all, 'every certificate of a deployment', 'proved', [], true);
  vectors.add('approved-payment', [at(all, 1)], 'a payment that two officers approved');
  vectors.add('fee-bump', [at(all, 2)], 'a replacement with a higher fee');
  vectors.add('ether', [at(all, 3)], 'a transfer of ether that a rule allows');
  vectors.add('begun', [at(all, 5)], 'begun, and not signed until the signer attested so');
  vectors.add('ended', [at(all, 6)], 'void: not signed, and never to be');
  vectors.add('cancel', [at(all, 7)], 'a cancel, which pays the wallet itself');
  vectors.add('not-attested', [bare(at(all, 1))], 'as it comes with the signature', 'unattested');
  const { transfers } = at(all, 1).reservation;
  vectors.addText(
    'answer-of-the-api.json',
    JSON.stringify({
      transferId: transfers[0]?.decision.transferId,
      certificates: [at(all, 1), at(all, 2)],
    }),
    'as the API sends it',
    'proved',
    [],
  );
}

function incomplete(vectors: Vectors, all: readonly Certificate[]): void {
  const without = (...left: readonly number[]) =>
    all.filter(({ reservation }) => !left.includes(reservation.ordinal));
  vectors.add('without-one', without(4), 'the whole, but for one in the middle', 'gap', [], true);
  vectors.add('without-the-newest', without(7), 'the whole, but for the newest', 'gap', [], true);
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
  const text = canonicalJson(first);
  vectors.addText('with-a-blank.jsonl', text.replace(':', ': '), 'a blank in it', 'malformed', [
    'certificate-malformed',
  ]);
  vectors.addText('cut-off.jsonl', text.slice(0, -1), 'its end is missing', 'malformed', [
    'certificate-malformed',
  ]);
}

async function make(): Promise<void> {
  const deployment = await Deployment.create();
  try {
    const all = await collect(deployment);
    rmSync(FOLDER, { recursive: true, force: true });
    mkdirSync(FOLDER, { recursive: true });
    writeFileSync(join(FOLDER, 'governance.json'), `${JSON.stringify(deployment.log)}\n`);
    const [genesis] = deployment.log;
    writeFileSync(join(FOLDER, 'genesis.json'), `${JSON.stringify(genesis)}\n`);
    writeFileSync(join(FOLDER, 'deployment.txt'), `${deployment.deploymentId}\n`);
    const vectors = new Vectors();
    genuine(vectors, all);
    incomplete(vectors, all);
    tampered(vectors, all);
    vectors.write();
    writeFileSync(join(FOLDER, '..', 'certificate.schema.json'), certificateSchemaText());
  } finally {
    await deployment.destroy();
  }
}

await make();
