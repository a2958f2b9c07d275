import { copyFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { stringify } from 'yaml';
import { repositoryRoot } from '../../devnet/paths.js';
import { Desk } from './desk.js';

const OFFICERS = ['alice', 'bob', 'carol'];
const BITCOIN = 'bip122:0f9188f13cb7b2c71f2a335e3a4fc328';

let desk: Desk;
const config = new Map<string, string[]>();

beforeAll(async () => {
  desk = await Desk.create(['treasury', ...OFFICERS]);
  for (const owner of ['treasury', ...OFFICERS]) config.set(owner, ['--config', await desk.config(owner)]);
  await key('treasury', 'hot-btc-1', 'secp256k1', 'hot-btc-1.key.json');
  await key('treasury', 'attestation', 'p256', 'attestation.key.json');
  for (const owner of OFFICERS) await key(owner, 'approvals', 'p256', `${owner}.key.json`);
  const requestKey = await desk.run('keys', 'request-key', 'generate', desk.path('exchange.pem'), '--json');
  await desk.write('exchange.key.json', requestKey.answer);
  await desk.write('plan.yaml', planText());
  const made = await desk.run(
    'ceremony',
    'genesis',
    '--plan',
    desk.path('plan.yaml'),
    '--out',
    desk.path('genesis.json'),
  );
  expect(made).toMatchObject({ exit: 0, errors: '' });
});
afterAll(() => desk.destroy());

async function key(owner: string, label: string, curve: string, file: string): Promise<void> {
  const args = ['keys', 'generate', '--label', label, '--curve', curve, '--json'];
  const made = await desk.run(...args, ...(config.get(owner) ?? []));
  expect(made.exit).toBe(0);
  await desk.write(file, made.answer);
}

function planText(): string {
  const people = OFFICERS.map((id) => ({
    id,
    name: id,
    credentials: [{ id: `${id}-token`, key: { file: `${id}.key.json` } }],
  }));
  const walletKeys = [{ label: 'hot-btc-1', key: { file: 'hot-btc-1.key.json' } }];
  return stringify({
    persons: people,
    groups: { governors: [...OFFICERS], treasury: [...OFFICERS] },
    quorum: { group: 'governors', threshold: 2 },
    timelock: {
      whitelist: '0h',
      policy: '0h',
      'fresh-head': '24h',
      veto: { group: 'governors', threshold: 1 },
    },
    attestation: { token: 'treasury', label: 'attestation', key: { file: 'attestation.key.json' } },
    'request-keys': [{ id: 'exchange-1', key: { file: 'exchange.key.json' }, owners: ['exchange'] }],
    chains: [{ bitcoin: 'regtest' }],
    wallets: [{ id: 'hot-btc', chain: BITCOIN, tier: 'hot', token: 'treasury', keys: walletKeys }],
    policies: [join(repositoryRoot, 'policies', 'hot-bitcoin.policy.yaml')],
  });
}

/** A copy of the unsigned genesis, signed by these. */
async function signedBy(name: string, ...officers: string[]): Promise<string> {
  const file = desk.path(name);
  await copyFile(desk.path('genesis.json'), file);
  for (const officer of officers) {
    const signed = await desk.run(
      'governance',
      'sign',
      file,
      '--yes',
      '--json',
      ...(config.get(officer) ?? []),
    );
    expect(signed).toMatchObject({ exit: 0 });
  }
  return file;
}

describe('a ceremony at the command line', () => {
  it('ends with a genesis whose deployment id everybody can read aloud', async () => {
    const file = await signedBy('whole.json', 'alice', 'bob');
    const checked = await desk.run('ceremony', 'check', file, '--json');
    expect(checked).toMatchObject({ exit: 0, answer: { signers: ['alice-token', 'bob-token'] } });
    const id = String(checked.answer?.deploymentId);
    const { output } = await desk.run('ceremony', 'check', file);
    expect(output.replaceAll(' ', '')).toContain(id.slice(0, 16));
    expect(output).toContain(id);
  });

  it('shows an officer what they sign: people, keys, addresses, and the policy to the letter', async () => {
    const file = await signedBy('shown.json');
    const { errors } = await desk.run('governance', 'sign', file, '--yes', ...(config.get('alice') ?? []));
    const policy = await readFile(join(repositoryRoot, 'policies', 'hot-bitcoin.policy.yaml'), 'utf8');
    for (const line of policy.trim().split('\n')) expect(errors).toContain(line);
    for (const word of ['GENESIS', 'carol-token', 'exchange-1', 'bcrt']) expect(errors).toContain(word);
  });

  it('signs nothing when nobody has looked', async () => {
    const file = await signedBy('unseen.json');
    const before = await readFile(file, 'utf8');
    const refused = await desk.run('governance', 'sign', file, '--json', ...(config.get('alice') ?? []));
    expect(refused).toMatchObject({ exit: 2, code: 'confirmation-needed' });
    expect(await readFile(file, 'utf8')).toBe(before);
  });

  it('refuses a genesis that too few have signed', async () => {
    const file = await signedBy('alone.json', 'alice');
    const checked = await desk.run('ceremony', 'check', file, '--json');
    expect(checked).toMatchObject({ exit: 1, code: 'governance-quorum-missing' });
  });

  it('refuses a genesis that was changed after it was signed', async () => {
    const file = await signedBy('changed.json', 'alice', 'bob');
    const text = await readFile(file, 'utf8');
    await writeFile(file, text.replace('"threshold": 2', '"threshold": 1'));
    const checked = await desk.run('ceremony', 'check', file, '--json');
    expect(checked).toMatchObject({ exit: 1, code: 'governance-signature-invalid' });
  });

  it('refuses to sign for somebody else, for a stranger, and twice', async () => {
    const file = await signedBy('mixed.json', 'alice');
    const sign = (...args: string[]) => desk.run('governance', 'sign', file, '--yes', '--json', ...args);
    expect(await sign('--credential', 'carol-token', ...(config.get('bob') ?? []))).toMatchObject({
      exit: 4,
      code: 'key-mismatch',
    });
    expect(await sign('--credential', 'mallory', ...(config.get('bob') ?? []))).toMatchObject({
      exit: 4,
      code: 'key-mismatch',
    });
    expect(await sign(...(config.get('alice') ?? []))).toMatchObject({ exit: 2, code: 'file-exists' });
  });

  it('proposes a change on top of a log, which officers of that log sign', async () => {
    const log = await signedBy('log.json', 'alice', 'bob');
    const change = await desk.write(
      'change.yaml',
      'kind: quorum-set\nquorum: { group: governors, threshold: 3 }\n',
    );
    const entry = desk.path('entry-1.json');
    const proposed = await desk.run(
      'governance',
      'propose',
      '--change',
      change,
      '--out',
      entry,
      '--log',
      log,
      '--json',
    );
    expect(proposed).toMatchObject({ exit: 0, answer: { sequence: 1 } });
    const args = ['--yes', '--json', '--log', log, ...(config.get('carol') ?? [])];
    expect(await desk.run('governance', 'sign', entry, ...args)).toMatchObject({ exit: 0 });

    const other = await desk.run(
      'governance',
      'show',
      '--log',
      log,
      '--deployment',
      'ab'.repeat(32),
      '--json',
    );
    expect(other).toMatchObject({ exit: 4, code: 'governance-mismatch' });
  });

  it('refuses to propose what could not be: a quorum that nobody could reach', async () => {
    const log = await signedBy('log-2.json', 'alice', 'bob');
    const change = await desk.write(
      'bad.yaml',
      'kind: quorum-set\nquorum: { group: governors, threshold: 4 }\n',
    );
    const args = ['--change', change, '--out', desk.path('entry-bad.json'), '--log', log, '--json'];
    expect(await desk.run('governance', 'propose', ...args)).toMatchObject({
      exit: 1,
      code: 'governance-change-invalid',
    });
  });
});
