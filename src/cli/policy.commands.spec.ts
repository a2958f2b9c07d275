import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { genesisOf } from '../core/governance/people.fixture.js';
import { genesis, state } from './cli.fixture.js';
import { EXIT } from './exit.js';
import { portcullis } from './program.js';
import { Terminal } from './terminal.js';

const DESTINATION = 'bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080';
const POLICY = `policy: hot-bitcoin
applies-to: { wallets: [hot-btc] }
fee-caps: { absolute: "0.0005 BTC", relative: "5%" }
limits:
  - { id: day, per: wallet, asset: BTC, window: 24h, max: "2 BTC" }
rules:
  - { id: blocked, when: { customer-in: [customer-9] }, then: refuse }
  - { id: small, when: { asset: BTC, amount-at-most: "0.01 BTC" }, then: allow, limits: [{ id: hour, per: rule, window: 1h, max-count: 5 }] }
  - { id: middle, when: { asset: BTC, amount-at-most: "1 BTC" }, then: { approve: [{ group: treasury, quorum: 2 }] } }
`;

let folder: string;
let log: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'portcullis-policy-'));
  log = join(folder, 'governance.json');
  writeFileSync(log, JSON.stringify([genesis]));
});
afterAll(() => rmSync(folder, { recursive: true }));

function written(text: string, name = 'hot-bitcoin.policy.yaml'): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

async function run(...argv: readonly string[]) {
  const output = new PassThrough();
  const errors = new PassThrough();
  const cli = portcullis(new Terminal({ input: new PassThrough(), output, errors }, {}), {});
  const exit = await cli.run(argv.includes('--log') ? argv : [...argv, '--log', log]);
  return { exit, output: String(output.read() ?? ''), errors: String(errors.read() ?? '') };
}

async function explained(path: string, amount: string, customer: string, ...more: readonly string[]) {
  const transfer = ['--wallet', 'hot-btc', '--amount', amount, '--to', DESTINATION];
  const who = ['--requester', 'payouts', '--customer', customer];
  return run('policy', 'explain', path, ...transfer, ...who, ...more);
}

const asked = async (amount: string, customer: string, ...more: readonly string[]) =>
  explained(written(POLICY), amount, customer, ...more);

describe('policy check', () => {
  it('says that documents hold together, and which wallets none of them is for', async () => {
    const { exit, output } = await run('policy', 'check', written(POLICY), '--json');
    expect(exit).toBe(EXIT.ok);
    expect(JSON.parse(output)).toEqual({
      policyHash: expect.stringMatching(/^[0-9a-f]{64}$/),
      inForce: false,
      documents: [{ name: 'hot-bitcoin', rules: 3, limits: 2 }],
      uncovered: [...state.wallets.keys()].filter((name) => name !== 'hot-btc'),
    });
  });

  it('without files looks at those in force', async () => {
    const { exit, output } = await run('policy', 'check', '--json');
    expect(exit).toBe(EXIT.ok);
    expect(JSON.parse(output)).toMatchObject({ inForce: true, policyHash: state.policyHash });
  });

  it('names line, column and what is wrong (policy-malformed)', async () => {
    const { exit, errors } = await run(
      'policy',
      'check',
      written(POLICY.replace('treasury', 'tresury')),
      '--json',
    );
    expect(exit).toBe(EXIT.refused);
    expect(JSON.parse(errors)).toMatchObject({
      error: {
        code: 'policy-malformed',
        facts: { document: 'hot-bitcoin', line: 9, why: 'no such group: tresury; perhaps treasury' },
      },
    });
  });

  it('refuses what governance would: approvers who own every request key (governance-change-invalid)', async () => {
    const owners = state.groups.get('treasury') ?? [];
    const key = { keyId: 'backend', algorithm: 'ed25519' as const, publicKey: 'e1'.repeat(32) };
    const requestKeys = [{ ...key, owners: [...owners] }];
    const unattended = POLICY.split('\n').filter((line) => line !== '' && !line.includes('approve'));
    const policies = [{ name: 'hot-bitcoin', lines: unattended }];
    const other = join(folder, 'owned.json');
    writeFileSync(other, JSON.stringify([genesisOf({ requestKeys, policies })]));
    const { exit, errors } = await run('policy', 'check', written(POLICY), '--json', '--log', other);
    expect(exit).toBe(EXIT.refused);
    expect(JSON.parse(errors)).toMatchObject({
      error: { code: 'governance-change-invalid', facts: { about: 'hot-bitcoin/middle' } },
    });
  });

  it.each([
    ['a line that is too long', `${POLICY}# ${'x'.repeat(200)}\n`, 'line 10'],
    ['a letter that is no ASCII', POLICY.replace('hot-bitcoin', 'hot-b\u0456tcoin'), 'line 1'],
  ])('names the line of %s (file-malformed)', async (_what, text, where) => {
    const { exit, errors } = await run('policy', 'check', written(text));
    expect(exit).toBe(EXIT.usage);
    expect(errors).toContain('file-malformed');
    expect(errors).toContain(where);
  });
});

describe('policy explain', () => {
  it('says which rule decides, what it takes, and what did not hold in those before', async () => {
    const { exit, output } = await asked('0.5 BTC', 'customer-7', '--json');
    expect(exit).toBe(EXIT.ok);
    expect(JSON.parse(output)).toEqual({
      decision: 'approve',
      rule: 'hot-bitcoin/middle',
      code: null,
      facts: {},
      requirements: [{ group: 'treasury', quorum: 2 }],
      holdMs: 0,
      limits: [
        {
          limitId: 'hot-bitcoin/day',
          key: 'hot-btc',
          windowMs: 86_400_000,
          amount: '50000000',
          max: '200000000',
          usedBefore: '0',
          usedAfter: '50000000',
          takes: '0.5 BTC',
          used: '0 BTC',
          wouldBe: '0.5 BTC',
          atMost: '2 BTC',
          within: '24h',
        },
      ],
      passedOver: [
        { rule: 'hot-bitcoin/blocked', unmet: 'customer-in: customer-9' },
        { rule: 'hot-bitcoin/small', unmet: 'amount-at-most: 0.01 BTC' },
      ],
    });
  });

  it('says it in words', async () => {
    const { output } = await asked('0.5 BTC', 'customer-7');
    expect(output).toContain('to be approved by hot-bitcoin/middle: 2 of treasury');
    expect(output).toMatch(/hot-bitcoin\/small +amount-at-most: 0.01 BTC/);
    expect(output).toMatch(/hot-bitcoin\/day +hot-btc +0.5 BTC +2 BTC +24h/);
  });

  it('says what the limits of a rule take, and counts transfers in words', async () => {
    const { output } = await asked('0.01 BTC', 'customer-7');
    expect(output).toContain('allowed by hot-bitcoin/small');
    expect(output).toMatch(/hot-bitcoin\/small\/hour +rule +1 transfer +5 transfers +1h/);
  });

  it('says which limit is exceeded, and by what', async () => {
    const path = written(POLICY.replace('max: "2 BTC"', 'max: "0.4 BTC"'), 'hot-bitcoin.yaml');
    const { exit, output } = await explained(path, '0.5 BTC', 'customer-7');
    expect(exit).toBe(EXIT.refused);
    expect(output).toContain('limit-exceeded by hot-bitcoin/middle: hot-bitcoin/day is exceeded');
    expect(output).toMatch(/hot-bitcoin\/day +hot-btc +0.5 BTC +0.4 BTC +24h/);
  });

  it('says alternatives and who does not count', async () => {
    const path = written(
      POLICY.replace(
        '[{ group: treasury, quorum: 2 }]',
        '{ any-of: [[{ group: treasury, quorum: 2 }], [{ group: governors, quorum: 1, except: [alice] }]] }',
      ),
      'hot-bitcoin.yaml',
    );
    const { output } = await explained(path, '0.5 BTC', 'customer-7');
    expect(output).toContain(
      'to be approved by hot-bitcoin/middle: 2 of treasury, or 1 of governors (without alice)',
    );
  });

  it.each([
    ['0.5 BTC', 'customer-9', 'policy-refused', 'hot-bitcoin/blocked'],
    ['1.5 BTC', 'customer-7', 'policy-no-match', null],
  ])('ends with 1 for %s to %s (%s)', async (amount, customer, code, rule) => {
    const { exit, output } = await asked(amount, customer, '--json');
    expect(exit).toBe(EXIT.refused);
    expect(JSON.parse(output)).toMatchObject({ decision: 'refuse', code, rule });
  });

  it.each([['0.5 ETH'], ['0.5'], ['a BTC']])('refuses an amount like %s', async (amount) => {
    const { exit } = await asked(amount, 'customer-7');
    expect(exit).toBe(EXIT.usage);
  });

  it('refuses a wallet that governance does not know (arguments-invalid)', async () => {
    const { exit, errors } = await run(
      ...['policy', 'explain', '--wallet', 'cold-btc', '--amount', '1 BTC', '--to', DESTINATION],
      ...['--requester', 'payouts', '--customer', 'customer-7'],
    );
    expect(exit).toBe(EXIT.usage);
    expect(errors).toContain('no such wallet');
  });

  it('fills in nothing: a condition on customers would be answered for another one (arguments-invalid)', async () => {
    const { exit, errors } = await run(
      ...['policy', 'explain', '--wallet', 'hot-btc', '--amount', '1 BTC', '--to', DESTINATION],
      ...['--requester', 'payouts'],
    );
    expect(exit).toBe(EXIT.usage);
    expect(errors).toContain('arguments-invalid');
  });
});

describe('policy explain with facts', () => {
  const BY_WORTH = [
    'policy: hot-bitcoin',
    'applies-to: { wallets: [hot-btc] }',
    'fee-caps: { absolute: "0.0005 BTC", relative: "5%" }',
    'limits:',
    '  - { id: day, per: wallet, currency: USD, window: 24h, max: "40000 USD" }',
    'rules:',
    '  - { id: risky, when: { risk-score-above: 70 }, then: refuse }',
    '  - { id: drained, when: { asset: BTC, hot-share-at-most: "1%" }, then: { approve: [{ group: treasury, quorum: 2 }] } }',
    '  - { id: small, when: { asset: BTC, screening-in: [clear], share-of-balance-at-most: "10%" }, then: allow }',
    '',
  ].join('\n');
  const WHOLE = [
    '--price',
    '60000 USD',
    '--screening',
    'clear 3',
    '--balance',
    '5 BTC',
    '--hot-share',
    '4.5%',
  ];

  async function answered(...more: readonly string[]) {
    const path = written(BY_WORTH, 'hot-bitcoin.yml');
    const { output, errors } = await explained(path, '0.5 BTC', 'customer-7', ...more, '--json');
    return JSON.parse(output || errors);
  }

  it('decides by what is said, and counts worth by it', async () => {
    expect(await answered(...WHOLE)).toMatchObject({
      decision: 'allow',
      rule: 'hot-bitcoin/small',
      limits: [{ takes: '30000 USD', atMost: '40000 USD' }],
    });
  });

  it('hears each of several watchers, and the stricter one counts', async () => {
    const dearer = await answered(
      ...WHOLE.map((one) => (one === '60000 USD' ? '60000 USD, 90000 USD' : one)),
    );
    expect(dearer).toMatchObject({ code: 'limit-exceeded', facts: { asked: '4500000' } });
    const risky = await answered(...WHOLE.map((one) => (one === 'clear 3' ? 'clear 3, flagged 71' : one)));
    expect(risky).toMatchObject({ code: 'policy-refused', rule: 'hot-bitcoin/risky' });
  });

  it('fills in nothing: what is not said is missing', async () => {
    expect(await answered()).toMatchObject({ code: 'fact-missing', rule: 'hot-bitcoin/risky' });
    expect(await answered('--screening', 'clear 3', '--hot-share', '4.5%')).toMatchObject({
      decision: 'refuse',
    });
  });

  it.each([
    ['--price', '60000'],
    ['--price', '-1 USD'],
    ['--price', '60000 GBP'],
    ['--price', '6e4 USD'],
    ['--price', ','],
    ['--price', ''],
    ['--screening', 'clear'],
    ['--screening', 'clear 101'],
    ['--screening', 'clear 1.5'],
    ['--screening', 'spotless 0'],
    ['--balance', '5 ETH'],
    ['--balance', '5'],
    ['--hot-share', '101%'],
    ['--hot-share', '4.567%'],
    ['--hot-share', '4'],
  ])('refuses %s %s (arguments-invalid)', async (flag, said) => {
    expect(await answered(`${flag}=${said}`)).toMatchObject({ error: { code: 'arguments-invalid' } });
  });

  it('refuses a kind that wallet and destination contradict, as the signer would (kind-contradicted)', async () => {
    expect(await answered(...WHOLE, '--kind', 'sweep')).toMatchObject({
      error: { code: 'kind-contradicted' },
    });
  });
});
