// Rules on what things are worth, end to end: a watcher as its own process, an orchestrator that fetches its facts, and a signer
// that believes none but those.

import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { BITCOIN, ETHEREUM } from '../../devnet/deployment.js';
import { fromFiles, type RunningWatcher, WatcherHome } from '../../devnet/watcher.js';
import { verifyCertificate } from '../../src/core/certificates/verify.js';
import type { PolicyDocument } from '../../src/core/governance/entry.js';
import { addressOfScript } from '../../src/core/intents/bitcoin/address.js';
import { simulationView } from '../../src/orchestrator/simulations/simulation.dto.js';
import { certificateFile } from '../../src/orchestrator/transfers/transfer.dto.js';
import { nativeVerifier } from '../../src/platform/native-verifier.js';
import { ETHER, eventually, Rig } from './rig.js';

const POLICY: PolicyDocument = {
  name: 'hot-bitcoin',
  lines: [
    'policy: hot-bitcoin',
    'applies-to: { wallets: [hot-btc] }',
    'fee-caps: { absolute: "0.001 BTC", relative: "100%" }',
    'limits:',
    '  - { id: day, per: wallet, window: 24h, currency: USD, max: "1000 USD" }',
    'rules:',
    '  - id: large',
    '    when: { asset: BTC, amount-above: "300 USD" }',
    '    then: { approve: [{ group: treasury, quorum: 2 }] }',
    '  - id: small',
    '    when: { asset: BTC, screening-in: [clear] }',
    '    then: allow',
  ],
};

const ON_ETHEREUM: PolicyDocument = {
  name: 'hot-ethereum',
  lines: [
    'policy: hot-ethereum',
    'applies-to: { wallets: [hot-eth] }',
    'fee-caps: { absolute: "0.01 ETH", relative: "100%" }',
    'rules:',
    '  - { id: small, when: { asset: ETH, screening-in: [clear] }, then: allow }',
  ],
};

let place: string;
let rig: Rig;
let home: WatcherHome;
let watcher: RunningWatcher;

const settings = () => {
  const { screenings = [], ...others } = fromFiles(place, BITCOIN);
  const everywhere = screenings.map((one) => ({ ...one, chains: [BITCOIN, ETHEREUM] }));
  return { ...others, keepMs: 500, screenings: everywhere };
};

beforeAll(async () => {
  place = mkdtempSync(join(tmpdir(), 'portcullis-facts-e2e-'));
  writeFileSync(join(place, 'prices.json'), '{"btc":60000}');
  writeFileSync(join(place, 'listed'), 'end\n');
  home = await WatcherHome.make(join(place, 'watcher'));
  rig = await Rig.start({
    policies: [POLICY, ON_ETHEREUM],
    orchestrators: 0,
    settingsFor: () => Promise.resolve({ watchers: [{ url: watcher.url, timeoutMs: 2_000 }] }),
  });
  watcher = await home.start(rig.deployment.deploymentId, settings());
  await rig.addOrchestrator();
  await rig.vouch();
  await rig.govern({ kind: 'fact-key-added', factKey: home.key });
  rig.chains.startMining();
});
afterAll(async () => {
  await rig?.stop();
  await watcher?.stop();
  rmSync(place, { recursive: true, force: true });
});

describe('a withdrawal under a rule in dollars', () => {
  it('is foretold by a simulation, with what the watchers say', async () => {
    const request = rig.request({ asset: 'BTC', amount: 300_000n });
    const {
      type: _t,
      deploymentId: _d,
      requestId: _r,
      createdAtMs: _c,
      expiresAtMs: _e,
      ...content
    } = request.statement;
    const ask = async (amount: string) => {
      const body = { ...content, amount };
      const answer = await rig.client(rig.deployment.alice).post('/v1/policy/simulations', { body });
      return simulationView.parse(answer.body);
    };
    const said = await ask(content.amount);
    expect(said).toMatchObject({ decision: 'allow', rule: 'hot-bitcoin/small' });
    expect(said.limits).toMatchObject([{ used: '0 USD', wouldBe: '192 USD', atMost: '1000 USD' }]);
    expect(said.wanted.map((one) => one.said.map((fact) => fact.kind))).toEqual([['price'], ['screening']]);
    expect(await ask('500001')).toMatchObject({ decision: 'approve', rule: 'hot-bitcoin/large' });
    const [real] = await rig.settled([await rig.taken(request)]);
    expect(real).toMatchObject({ state: 'settled', rule: said.rule });
    expect(real?.limits).toMatchObject([{ usedBefore: '0', usedAfter: said.limits[0]?.usedAfter }]);
    expect((await ask(content.amount)).limits).toMatchObject([{ used: '192 USD', wouldBe: '384 USD' }]);
  });

  it('leaves unattended below the bound, with a certificate that proves price and screening', async () => {
    const id = await rig.taken(rig.request({ asset: 'BTC', amount: 400_000n }));
    const [transfer] = await rig.settled([id]);
    expect(transfer?.state).toBe('settled');
    const answer = await rig.client(rig.deployment.alice).get(`/v1/transfers/${id}/certificates`);
    const [certificate] = certificateFile.parse(answer.body).certificates;
    const { deployment } = rig;
    expect(verifyCertificate(certificate, deployment.log, deployment.deploymentId, nativeVerifier).kind).toBe(
      'accepted',
    );
    expect(certificate?.reservation.transfers[0]?.decision.rule).toBe('hot-bitcoin/small');
    expect(
      certificate?.reservation.order.facts?.map(({ statement }) => statement.content.kind).sort(),
    ).toEqual(['price', 'screening']);
  });

  it('leaves to an address in Base58, which is screened as it stands', async () => {
    const destination = addressOfScript(`76a914${randomBytes(20).toString('hex')}88ac`, 'regtest') ?? '';
    expect(destination).not.toBe(destination.toLowerCase());
    const id = await rig.taken(rig.request({ asset: 'BTC', amount: 20_000n, destination }));
    expect((await rig.settled([id]))[0]?.state).toBe('settled');
  });

  it('leaves on Ethereum, to an address with a checksum in its case', async () => {
    const id = await rig.taken(rig.request({ asset: 'ETH', amount: ETHER / 1_000n }));
    expect((await rig.settled([id]))[0]?.state).toBe('settled');
  });

  it('waits for officers above it', async () => {
    const id = await rig.taken(rig.request({ asset: 'BTC', amount: 500_001n }));
    await rig.approve(id, [rig.deployment.alice, rig.deployment.carol]);
    expect((await rig.settled([id]))[0]?.state).toBe('settled');
  });

  it('waits while nobody has screened its destination, and goes on when somebody has', async () => {
    writeFileSync(join(place, 'listed'), 'a line that nobody can read, so that nobody is clear\nend\n');
    const id = await rig.taken(rig.request({ asset: 'BTC', amount: 100_000n }));
    await eventually(
      'it waits for a fact',
      async () => (await rig.transfer(id)).waitingFor === 'fact-missing',
    );
    writeFileSync(join(place, 'listed'), 'end\n');
    expect((await rig.settled([id]))[0]?.state).toBe('settled');
  });
});
