// A signer that lies in what it alone knows, with its own attestation under it: how much of a limit had been used, and whether
// a transfer had been signed for already. One certificate by itself cannot show it. All of them can.

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Deployment } from '../../devnet/deployment.js';
import { codeOf, type SocketClient } from '../../devnet/socket-client.js';
import { coin, payTo, psbt } from '../../devnet/transactions.js';
import type { Certificate } from '../../src/core/certificates/certificate.js';
import type { CertifiedDecision } from '../../src/core/certificates/decision.js';
import { checkDossier } from '../../src/core/certificates/dossier.js';
import { p2wpkhScript } from '../../src/core/intents/bitcoin/address.js';
import { canonicalJson } from '../../src/core/statements/canonical-json.js';
import { nativeVerifier } from '../../src/platform/native-verifier.js';
import { certificatesResult } from '../../src/signer-protocol/messages.js';
import { forgedPage, rejournaled } from '../../devnet/forged-pages.js';

const DESTINATION = 'bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080';
const USED = 'how much of each limit had been used before';

let deployment: Deployment;
let signer: SocketClient;
let genuine: Certificate[];

beforeAll(async () => {
  deployment = await Deployment.create();
  signer = await deployment.start();
  const own = p2wpkhScript(deployment.publicKeys.bitcoin);
  const order = (
    transfer: ReturnType<Deployment['transfer']>,
    spent: ReturnType<typeof coin>,
    fee: bigint,
  ) => ({
    wallet: 'hot-btc',
    transaction: psbt([spent], [payTo(DESTINATION, 100_000n), { script: own, amountSats: 900_000n - fee }]),
    transfers: [transfer],
  });
  const small = () => deployment.transfer(deployment.request({ amount: '100000', destination: DESTINATION }));
  const [first, spent] = [small(), coin(own, 1_000_000n)];
  expect(codeOf(await signer.sign(order(first, spent, 2_000n)))).toBe('done');
  for (let count = 0; count < 2; count++) {
    deployment.time.advance(60_000);
    expect(codeOf(await signer.sign(order(small(), coin(own, 1_000_000n), 2_000n)))).toBe('done');
  }
  // A fee bump of the first.
  expect(codeOf(await signer.sign(order(first, spent, 4_000n)))).toBe('done');
  deployment.time.advance(60_000);
  expect(codeOf(await signer.sign(order(small(), coin(own, 1_000_000n), 2_000n)))).toBe('done');
  const page = await signer.ask({ verb: 'certificates', fromOrdinal: 1, most: 64 });
  if (page.kind !== 'done') throw new Error(codeOf(page));
  genuine = certificatesResult.parse(page.result).certificates;
});
afterAll(() => deployment.destroy());

function audit(certificates: readonly Certificate[], whole = true) {
  const text = certificates.map((one) => `${canonicalJson(one)}\n`).join('');
  const evidence = { log: deployment.log, genesisHash: deployment.deploymentId, verifier: nativeVerifier };
  const { checked, chain, reckoned, verdict } = checkDossier([{ name: 'all', text }], evidence, whole);
  const said = checked.map(({ outcome }) => (outcome.kind === 'accepted' ? outcome.value : undefined));
  const codes = [...checked.map(({ outcome }) => outcome), chain].flatMap((one) =>
    one.kind === 'refused' ? [one.code] : [],
  );
  return { verdict, codes, reckoned: [...reckoned], said };
}

/** All of them, with one that says something else of its one transfer, and those after it following that one; attested. */
async function lying(at: number, lie: (told: CertifiedDecision) => CertifiedDecision, isCharged = true) {
  const told = genuine.map((one, index) => {
    const [transfer] = one.reservation.transfers;
    if (index !== at || !transfer) return one;
    const changed = { ...transfer, decision: lie(transfer.decision), ...(isCharged ? {} : { charges: [] }) };
    return { ...one, reservation: { ...one.reservation, transfers: [changed] } };
  });
  return forgedPage(deployment, rejournaled(told), 'attestation');
}

const lessUsed = (told: CertifiedDecision): CertifiedDecision => ({
  ...told,
  limits: told.limits.map((limit) => {
    const charged = BigInt(limit.usedAfter) - BigInt(limit.usedBefore);
    return { ...limit, usedBefore: '0', usedAfter: charged.toString() };
  }),
});

describe('certificates of one chain', () => {
  it('prove what each of them says of limits, which by itself it cannot', () => {
    const { verdict, reckoned, said } = audit(genuine);
    expect({ verdict, reckoned }).toEqual({ verdict: 'proved', reckoned: [1, 2, 3, 4, 5] });
    expect(said.some((one) => one?.trusted.includes(USED))).toBe(false);
    expect(said[4]?.proved).toContain(`${USED}: so say the certificates before it`);
    expect(said[3]?.proved.join()).toContain(
      'an earlier transaction for it was signed, which this one replaces',
    );
    const alone = audit(genuine.slice(4), false);
    expect(alone).toMatchObject({ verdict: 'proved', reckoned: [] });
    expect(alone.said[0]?.trusted).toContain(USED);
  });

  it('refuse one that says that less had been used (certificate-usage-mismatch), also where others are missing', async () => {
    const lie = await lying(4, lessUsed);
    expect(audit(lie.slice(4), false)).toMatchObject({ verdict: 'proved', codes: [] });
    expect(audit(lie)).toMatchObject({ verdict: 'refused', codes: ['certificate-usage-mismatch'] });
    expect(audit(lie.slice(2), false).codes).toEqual(['certificate-usage-mismatch']);
  });

  it('refuse one that says it replaces what was never there, and so charges nothing (certificate-past-mismatch)', async () => {
    const lie = await lying(2, (told) => ({ ...told, past: 'signed', limits: [] }), false);
    expect(audit(lie.slice(2, 3), false)).toMatchObject({ verdict: 'proved', codes: [] });
    expect(audit(lie).codes).toEqual(['certificate-past-mismatch']);
  });
});
