// What a real signer signed, with facts and by what it knew then: explained from its certificate, and decided again under drafts.

import { generateKeyPairSync, sign } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { Deployment, ETH, ETHEREUM } from '../../devnet/deployment.js';
import { codeOf, type SocketClient } from '../../devnet/socket-client.js';
import { coin, eip1559, payTo, psbt } from '../../devnet/transactions.js';
import { portcullis } from '../../src/cli/program.js';
import { generateRequestKey } from '../../src/cli/request-key.js';
import { Terminal } from '../../src/cli/terminal.js';
import type { Certificate } from '../../src/core/certificates/certificate.js';
import { FACT_TYPE, type FactContent, type SignedFact } from '../../src/core/facts/fact.js';
import { factBytes } from '../../src/core/facts/fact-bytes.js';
import type { Change } from '../../src/core/governance/entry.js';
import { p2wpkhScript } from '../../src/core/intents/bitcoin/address.js';
import { canonicalJson } from '../../src/core/statements/canonical-json.js';
import { requestDigest, type SignedRequest, transferIdOf } from '../../src/core/statements/request.js';
import { LyingApi } from './lying-api.js';

const DAY_MS = 86_400_000;
const BITCOIN = 'bip122:0f9188f13cb7b2c71f2a335e3a4fc328';
const DESTINATION = 'bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080';
const SCREENING = `screening/${BITCOIN}/${DESTINATION}`;

const HEAD = `policy: hot-bitcoin
applies-to: { wallets: [hot-btc] }
fee-caps: { absolute: "0.0005 BTC", relative: "100%" }
limits:
  - { id: week, per: wallet, asset: BTC, window: 7d, max: "0.02 BTC" }
rules:
`;
const POLICY = `${HEAD}  - { id: risky, when: { risk-score-above: 70 }, then: refuse }
  - { id: new, when: { asset: BTC, first-use: yes, amount-at-most: "0.01 BTC" }, then: allow }
  - { id: known, when: { asset: BTC, amount-at-most: "0.01 BTC" }, then: allow }
`;

/** No rule of it asks what is known of a destination, so that no certificate says. */
const ETHEREUM_POLICY = (rules: string) => `policy: hot-ethereum
applies-to: { wallets: [hot-eth] }
fee-caps: { absolute: "0.01 ETH", relative: "100%" }
rules:
${rules}
`;
const ANY = '  - { id: any, when: { asset: ETH, amount-at-most: "1 ETH" }, then: allow }';
const DESK = '0x70997970C51812dc3A010C7d01b50e0d17dc79C8';

const watcher = generateKeyPairSync('ed25519');
const watcherKey = watcher.publicKey.export({ format: 'der', type: 'spki' }).subarray(-32).toString('hex');

let folder: string;
let deployment: Deployment;
let api: LyingApi;
let client: SocketClient;
let config: string;
let log: string;
let sequence = 0;

interface Signed {
  readonly request: SignedRequest;
  readonly transferId: string;
  readonly certificate: Certificate;
}
let first: Signed;
let second: Signed;
/** Two payments to the desk, on the whitelist since before the first of them. */
let toDesk: readonly Certificate[];

function fact(content: FactContent): SignedFact {
  sequence += 1;
  const statement = {
    type: FACT_TYPE,
    deploymentId: deployment.deploymentId,
    keyId: 'screener',
    sequence,
    observedAtMs: deployment.time.wall,
    content,
  } as const;
  return { statement, signature: sign(null, factBytes(statement), watcher.privateKey).toString('hex') };
}

async function paid(riskScore: number): Promise<Signed> {
  const request = deployment.request({ amount: '500000', destination: DESTINATION });
  const transferId = transferIdOf(requestDigest(request.statement));
  const own = p2wpkhScript(deployment.publicKeys.bitcoin);
  const { certificate } = await client.signed({
    wallet: 'hot-btc',
    transaction: psbt(
      [coin(own, 10_000_000n)],
      [payTo(DESTINATION, 500_000n), { script: own, amountSats: 9_499_000n }],
    ),
    transfers: [deployment.transfer(request)],
    facts: [
      fact({
        kind: 'screening',
        transferId,
        chain: BITCOIN,
        address: DESTINATION,
        result: 'clear',
        riskScore,
      }),
    ],
  });
  return { request, transferId, certificate };
}

async function paidToDesk(nonce: number): Promise<Certificate> {
  const request = deployment.request({
    chain: ETHEREUM,
    wallet: 'hot-eth',
    asset: ETH,
    amount: `${10n ** 15n}`,
    destination: DESK,
    feeCeiling: `${2n * 10n ** 15n}`,
  });
  const transaction = eip1559({
    to: DESK,
    value: 10n ** 15n,
    nonce,
    maxPriorityFeePerGas: 1_000_000_000n,
    maxFeePerGas: 31_000_000_000n,
  });
  const transfers = [deployment.transfer(request)];
  return (await client.signed({ wallet: 'hot-eth', transaction, transfers })).certificate;
}

async function govern(change: Change): Promise<void> {
  const entry = deployment.entry(change, [deployment.alice, deployment.bob]);
  const code = codeOf(await client.ask({ verb: 'governance-append', entry }));
  if (code !== 'done') throw new Error(code);
  deployment.log.push(entry);
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'portcullis-past-'));
  const policies = [
    { name: 'hot-bitcoin', lines: POLICY.trimEnd().split('\n') },
    { name: 'hot-ethereum', lines: ETHEREUM_POLICY(ANY).trimEnd().split('\n') },
  ];
  deployment = await Deployment.create({ policies });
  client = await deployment.start();
  const factKey = { keyId: 'screener', algorithm: 'ed25519', publicKey: watcherKey, source: 'one' } as const;
  await govern({ kind: 'fact-key-added', factKey: { ...factKey, kinds: ['screening'] } });
  const entry = {
    entryId: 'desk',
    label: 'OTC desk B',
    chain: ETHEREUM,
    address: DESK,
    tiers: ['hot' as const],
  };
  await govern({ kind: 'whitelist-added', entry });
  first = await paid(3);
  const early = await paidToDesk(0);
  deployment.time.advance(3 * DAY_MS);
  second = await paid(40);
  toDesk = [early, await paidToDesk(1)];
  log = written('governance.json', JSON.stringify(deployment.log));
  const file = join(folder, 'request.key');
  api = await LyingApi.start(new Map([['reader', generateRequestKey(file)]]));
  config = written(
    'portcullis.yaml',
    JSON.stringify({
      api: api.url,
      log,
      deployment: deployment.deploymentId,
      requestKey: { id: 'reader', file },
    }),
  );
});
afterAll(async () => {
  await api?.stop();
  await deployment?.destroy();
  rmSync(folder, { recursive: true, force: true });
});

function written(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

async function runAlone(...argv: readonly string[]) {
  const output = new PassThrough();
  const errors = new PassThrough();
  const cli = portcullis(new Terminal({ input: new PassThrough(), output, errors }, {}), {});
  const exit = await cli.run([...argv, '--config', config]);
  return { exit, output: String(output.read() ?? ''), errors: String(errors.read() ?? '') };
}

const run = (...argv: readonly string[]) => runAlone(...argv, '--log', log);

async function answered(...argv: readonly string[]): Promise<unknown> {
  const { output, errors } = await run(...argv, '--json');
  return JSON.parse(output || errors);
}

/** The service shows a transfer: with its certificate, or as one that is not signed yet. */
function show({ request, transferId }: Signed, certificates: readonly Certificate[]): void {
  const { statement } = request;
  const { asset: _, ...rest } = statement;
  api.answers.set(`/v1/transfers/${transferId}/request`, request);
  api.answers.set(`/v1/transfers/${transferId}/certificates`, { transferId, certificates });
  api.answers.set(`/v1/transfers/${transferId}`, {
    ...rest,
    asset: statement.asset,
    transferId,
    requestDigest: requestDigest(statement),
    state: certificates.length > 0 ? 'signed' : 'decided',
    reason: { code: 'decided', facts: {} },
    waitingFor: null,
    receivedAtMs: statement.createdAtMs,
    updatedAtMs: statement.createdAtMs,
    rule: 'hot-bitcoin/new',
    policyHash: null,
    limits: [
      {
        limitId: 'hot-bitcoin/week',
        key: 'hot-btc',
        windowMs: 7 * DAY_MS,
        usedBefore: '0',
        usedAfter: '520000',
        max: '2000000',
      },
    ],
    approvals: { required: [], given: [], missing: [], statementDigest: null },
    spendable: { is: 'no', transactionIds: [] },
    transactions: certificates.map(({ reservation }) => ({
      transactionKey: reservation.transactionKey,
      kind: 'payment',
      purpose: 'pays',
      state: 'signed',
      transactionId: null,
      maxFee: '1000',
      feePaid: null,
      blockHash: null,
      blockHeight: null,
      confirmations: 0,
      replaces: null,
      certified: true,
      reason: null,
    })),
    transitions: [],
  });
}

const explained = (one: Signed, ...more: readonly string[]) =>
  answered('policy', 'explain', '--transfer', one.transferId, ...more);

describe('policy explain --transfer', () => {
  it('says of what was signed which rule decided, by facts, knowledge and limits of then', async () => {
    show(first, [first.certificate]);
    expect(await explained(first)).toMatchObject({
      decision: 'allow',
      rule: 'hot-bitcoin/new',
      decidedAtMs: first.certificate.reservation.at.wallMs,
      notLookedUp: [],
      passedOver: [{ rule: 'hot-bitcoin/risky', unmet: 'risk-score-above: 70' }],
    });
    show(second, [second.certificate]);
    expect(await explained(second)).toMatchObject({
      rule: 'hot-bitcoin/known',
      limits: [
        { limitId: 'hot-bitcoin/week', used: '0.0052 BTC', wouldBe: '0.0104 BTC', atMost: '0.02 BTC' },
      ],
    });
    const { output } = await run('policy', 'explain', '--transfer', second.transferId);
    expect(output).toContain("is its certificate's, which was verified, and what limits had used");
    expect(output).not.toContain('Not looked up');
  });

  it('puts facts and knowledge of then to a draft, and what options say in their place', async () => {
    show(second, [second.certificate]);
    const draft = written('hot-bitcoin.yaml', POLICY.replace('70', '39'));
    const asked = ['policy', 'explain', draft, '--transfer', second.transferId] as const;
    expect(await answered(...asked)).toMatchObject({ decision: 'refuse', rule: 'hot-bitcoin/risky' });
    expect(await answered(...asked, '--screening', 'clear 2', '--first-use')).toMatchObject({
      rule: 'hot-bitcoin/new',
    });
  });

  it('says loudly of what is not signed that facts and knowledge were not looked up', async () => {
    show(first, []);
    expect(await explained(first)).toMatchObject({
      code: 'fact-missing',
      decidedAtMs: null,
      notLookedUp: [SCREENING, 'knowledge'],
    });
    const { output } = await run('policy', 'explain', '--transfer', first.transferId);
    expect(output).toContain('Not looked up: rules and limits here ask for what is not known here');
    expect(output).toContain(`what watchers say of ${SCREENING}`);
    expect(output).toContain('whether the destination was paid before, which is taken for yes');
    expect(await explained(first, '--screening', 'clear 3', '--first-use')).toMatchObject({
      rule: 'hot-bitcoin/new',
      notLookedUp: [],
    });
  });

  it('shows limits on record in their unit', async () => {
    show(first, []);
    const { output } = await run('policy', 'explain', '--transfer', first.transferId);
    expect(output).toMatch(/hot-bitcoin\/week +hot-btc +0 BTC +0.0052 BTC +0.02 BTC/);
  });

  it('believes no certificate that does not verify, or is of another transfer', async () => {
    const { reservation } = first.certificate;
    show(first, [{ ...first.certificate, reservation: { ...reservation, policyHash: '00'.repeat(32) } }]);
    expect(await explained(first)).toMatchObject({ error: { code: 'certificate-policy-mismatch' } });
    show(first, [second.certificate]);
    expect(await explained(first)).toMatchObject({ error: { code: 'statement-mismatch' } });
  });
});

describe('policy replay', () => {
  /** Of all that was signed, in its order. */
  function replayed(bitcoin: string, ethereum = ANY, ...more: readonly string[]): Promise<unknown> {
    const [early, late] = toDesk;
    const all = [first.certificate, early, second.certificate, late].flatMap((one) => one ?? []);
    const file = written('all.jsonl', all.map((one) => `${canonicalJson(one)}\n`).join(''));
    const drafts = [
      written('hot-bitcoin.yaml', bitcoin),
      written('hot-ethereum.yaml', ETHEREUM_POLICY(ethereum)),
    ];
    return answered('policy', 'replay', file, '--policy', ...drafts, ...more);
  }

  it('judges by the facts of then', async () => {
    expect(await replayed(POLICY)).toMatchObject({ decisions: 4, changed: [], unjudged: [] });
    expect(await replayed(POLICY.replace('70', '39'))).toMatchObject({
      changed: [{ transferId: second.transferId, wouldBe: 'refuse policy-refused by hot-bitcoin/risky' }],
      unjudged: [],
    });
  });

  it('takes what the service has of refusals, and shows what a draft would let pass of it', async () => {
    // More than any rule of then lets pass.
    const request = deployment.request({ amount: '1500000', destination: DESTINATION });
    const transferId = transferIdOf(requestDigest(request.statement));
    show({ request, transferId, certificate: first.certificate }, []);
    const path = `/v1/transfers/${transferId}`;
    const view = z.looseObject({}).parse(api.answers.get(path));
    const refusal = (code: string, from: string) => {
      const reason = { code, facts: {} };
      const moved = { sequence: 1, from, to: 'refused', reason, atMs: deployment.time.wall, by: 'worker' };
      const item = { ...view, state: 'refused', reason, rule: null, transitions: [moved] };
      api.answers.set(path, item);
      api.answers.set('/v1/transfers', { items: [item], nextCursor: null });
    };
    const saved = async (name: string): Promise<unknown> => {
      const { output, errors } = await runAlone('refusals', '--out', join(folder, name), '--json');
      return JSON.parse(output || errors);
    };
    refusal('policy-no-match', 'screened');
    expect(await saved('refused.jsonl')).toMatchObject({ refused: 1 });

    const all = POLICY.replaceAll('"0.01 BTC"', '"0.1 BTC"').replace('max: "0.02 BTC"', 'max: "1 BTC"');
    const unscreened = all.replace(/^.*id: risky.*\n/m, '');
    const file = join(folder, 'refused.jsonl');
    expect(await replayed(unscreened, ANY, '--refused', file)).toMatchObject({
      decisions: 5,
      refused: 1,
      counts: { 'let-through': 1 },
      changed: [{ transferId, was: 'refuse policy-no-match (orchestrator)', kinds: ['let-through'] }],
    });
    // The same draft with screening: what watchers would have said, nobody knows.
    expect(await replayed(all, ANY, '--refused', file)).toMatchObject({
      changed: [],
      unjudged: [{ transferId, notKnown: [`screening/${BITCOIN}/${DESTINATION}`] }],
    });

    refusal('destination-invalid', 'requested');
    expect(await saved('none.jsonl')).toMatchObject({ refused: 0 });
    refusal('request-expired', 'approved');
    expect(await saved('nobody.jsonl')).toMatchObject({ refused: 0 });
    refusal('request-expired', 'awaiting-approvals');
    expect(await saved('waited.jsonl')).toMatchObject({ refused: 1 });
  });

  it('shows the last days alone, with limits that count those before', async () => {
    const draft = POLICY.replace('max: "0.02 BTC"', 'max: "0.01 BTC"');
    const changed = [
      {
        transferId: second.transferId,
        wouldBe: 'refuse limit-exceeded by hot-bitcoin/known, hot-bitcoin/week',
      },
    ];
    expect(await replayed(draft)).toMatchObject({ decisions: 4, changed });
    expect(await replayed(draft, ANY, '--days', '1')).toMatchObject({ decisions: 2, changed });
  });

  it('takes what governance knew of a destination, though no rule of then asked, and the age that was measured', async () => {
    const rest =
      '  - { id: rest, when: { asset: ETH }, then: { approve: [{ group: treasury, quorum: 2 }] } }';
    const listed = `  - { id: listed, when: { asset: ETH, whitelisted: yes }, then: allow }\n${rest}`;
    expect(await replayed(POLICY, listed)).toMatchObject({ changed: [], unjudged: [] });
    const aged = `  - { id: aged, when: { asset: ETH, whitelist-age-at-least: 24h }, then: allow }\n${rest}`;
    expect(await replayed(POLICY, aged)).toMatchObject({
      changed: [],
      unjudged: [{ was: 'allow by hot-ethereum/any', notKnown: ['whitelist-age-at-least'] }],
    });
    const firstUse = `  - { id: new, when: { first-use: yes }, then: refuse }\n${ANY}`;
    expect(await replayed(POLICY, firstUse)).toMatchObject({
      changed: [{ wouldBe: 'refuse policy-refused by hot-ethereum/new' }],
      unjudged: [],
    });
  });
});
