import { sign } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { afterAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Fault } from '../core/fault.js';
import { entryHash, type GovernanceEntry } from '../core/governance/entry.js';
import { ADD_DAVE, alice, bob, bodyAfter, type Key, signed } from '../core/governance/people.fixture.js';
import {
  RESTORE_TYPE,
  type RestoredWallet,
  type RestoreStatement,
  restoreBytes,
} from '../core/recovery/restore.js';
import { genesis, state } from './cli.fixture.js';
import { EXIT } from './exit.js';
import { render } from './lines.js';
import { portcullis } from './program.js';
import { decided } from './restore.commands.js';
import { leftToRefresh, type WalkFiles, walk } from './restore-walk.js';
import { restoreLines } from './restore-words.js';
import { Terminal } from './terminal.js';

const NOW = 1_760_000_000_000;
const folder = mkdtempSync(join(tmpdir(), 'portcullis-restore-'));
const at = (name: string) => join(folder, name);
const files: WalkFiles = { record: at('record.json'), log: at('log.json'), restore: at('restore.json') };
afterAll(() => rmSync(folder, { recursive: true }));

const second: GovernanceEntry = signed(bodyAfter(state, ADD_DAVE), alice, bob);
const bitcoin: RestoredWallet = {
  family: 'bitcoin',
  walletId: 'hot-btc',
  chain: 'bip122:0f9188f13cb7b2c71f2a335e3a4fc328',
  block: { height: 900, hash: 'b'.repeat(64) },
  unspent: Array.from({ length: 5 }, (_, index) => `${'aa'.repeat(32)}:${index}`),
  refreshFeeCeiling: '5000',
};
const ethereum: RestoredWallet = {
  family: 'ethereum',
  walletId: 'hot-eth',
  chain: 'eip155:31337',
  address: '0x70997970C51812dc3A010C7d01b50e0d17dc79C8',
  block: { height: 900, hash: 'b'.repeat(64) },
  minedNonces: 5,
  nextNonce: 7,
  refreshFeeCeiling: '1000',
};

function statement(altered: Partial<RestoreStatement> = {}): RestoreStatement {
  return {
    type: RESTORE_TYPE,
    deploymentId: state.deploymentId,
    governanceSequence: 0,
    governanceHead: state.head,
    lost: { sequence: 41, hash: '9b'.repeat(32) },
    wallets: [bitcoin],
    createdAtMs: NOW,
    expiresAtMs: NOW + 3_600_000,
    ...altered,
  };
}

function write(path: string, content: unknown): string {
  writeFileSync(path, JSON.stringify(content));
  return path;
}

function signedBy(of: RestoreStatement, ...keys: readonly Key[]) {
  const signatures = keys.map(({ credentialId, secret }) => ({
    credentialId,
    signature: sign('sha256', restoreBytes(of), { key: secret, dsaEncoding: 'ieee-p1363' }).toString('hex'),
  }));
  return { statement: of, signatures };
}

const record = {
  time: '2026-11-25T18:02:11.000Z',
  event: 'record',
  deploymentId: state.deploymentId,
  sequence: 41,
  hash: '9b'.repeat(32),
};

beforeEach(() => {
  for (const path of Object.values(files)) rmSync(path, { force: true });
});

/** Which steps are not done, and how they stand. */
function standing(nowMs = NOW): Record<string, string> {
  const steps = walk(files, state.deploymentId, nowMs, undefined);
  return Object.fromEntries(steps.filter(({ is }) => is !== 'done').map(({ step, is }) => [step, is]));
}
const LATER = { restore: 'later', refresh: 'later' };

describe('the walk from a lost store', () => {
  it('goes on with what is there: record, log, draft, signatures, and then the host', () => {
    expect(standing()).toEqual({
      why: 'look',
      record: 'next',
      log: 'later',
      draft: 'later',
      sign: 'later',
      ...LATER,
    });
    writeFileSync(files.record, `{"event":"something else"}\n${JSON.stringify(record)}\n`);
    expect(standing()).toMatchObject({ log: 'next' });
    write(files.log, [genesis]);
    expect(standing()).toEqual({ why: 'look', draft: 'next', sign: 'later', ...LATER });
    write(files.restore, signedBy(statement()));
    expect(standing()).toEqual({ why: 'look', sign: 'next', ...LATER });
    write(files.restore, signedBy(statement(), alice));
    expect(standing()).toEqual({ why: 'look', sign: 'next', ...LATER });
    write(files.restore, signedBy(statement(), alice, bob));
    expect(standing()).toEqual({ why: 'look', restore: 'next', refresh: 'later' });
  });

  const whole = () => {
    write(files.record, record);
    write(files.log, [genesis]);
    write(files.restore, signedBy(statement(), alice, bob));
  };

  it.each([
    [
      'another record',
      () => write(files.record, { ...record, sequence: 42 }),
      'draft',
      'restore-other-record',
    ],
    [
      'a log from before what the token remembers',
      () => write(files.record, { ...record, governanceSequence: 1, governanceHead: entryHash(second.body) }),
      'draft',
      'restore-governance-behind',
    ],
    [
      'a record with half of what it says of governance',
      () => write(files.record, { ...record, governanceSequence: 0 }),
      'record',
      'signer record',
    ],
    ['a newer log', () => write(files.log, [genesis, second]), 'draft', 'restore-governance-mismatch'],
    [
      'an edited statement',
      () =>
        write(files.restore, {
          ...signedBy(statement(), alice, bob),
          statement: statement({ wallets: [{ ...bitcoin, unspent: [] }] }),
        }),
      'sign',
      'governance-signature-invalid',
    ],
    [
      'a wallet left out',
      () => write(files.restore, signedBy(statement({ wallets: [] }), alice, bob)),
      'draft',
      'restore-wallets-incomplete',
    ],
    ['something that is no record', () => write(files.record, {}), 'record', 'signer record'],
  ])('says what does not hold: %s', (_what, spoil, step, why) => {
    whole();
    spoil();
    const bad = walk(files, state.deploymentId, NOW, undefined).filter(({ is }) => is === 'bad');
    expect(bad[0]).toMatchObject({ step, is: 'bad' });
    expect(bad[0]?.detail).toContain(why);
  });

  it('says when the statement has expired', () => {
    whole();
    expect(standing(NOW + 3_600_000)).toMatchObject({ draft: 'bad' });
  });

  it('is not taken in by the log of another deployment, or by one that nobody pinned', () => {
    whole();
    const detailOf = (pinned: string | undefined) =>
      walk(files, pinned, NOW, undefined).find(({ step }) => step === 'log');
    expect(detailOf('0'.repeat(64))).toMatchObject({ is: 'bad' });
    expect(detailOf(undefined)).toMatchObject({ is: 'bad' });
  });

  it('counts what is left to use up, and says so when it is not known', () => {
    const of = { statement: statement({ wallets: [bitcoin, ethereum] }), signatures: [] };
    const now = (wallet: RestoredWallet | null, walletId: string) => ({
      walletId,
      chain: bitcoin.chain,
      wallet,
      highestSignedNonce: null,
      why: null,
    });
    const half = { ...bitcoin, unspent: [...bitcoin.unspent.slice(0, 2), `${'cd'.repeat(32)}:0`] };
    const facts = {
      asOfMs: NOW,
      wallets: [now(half, 'hot-btc'), now({ ...ethereum, minedNonces: 6 }, 'hot-eth')],
    };
    expect([...leftToRefresh(of, facts)]).toEqual([
      ['hot-btc', 2],
      ['hot-eth', 1],
    ]);
    const silent = { asOfMs: NOW, wallets: [now(null, 'hot-btc')] };
    expect([...leftToRefresh(of, silent)]).toEqual([
      ['hot-btc', undefined],
      ['hot-eth', undefined],
    ]);
  });
});

describe('what an officer reads before signing a restore', () => {
  const text = (all: boolean) =>
    render(
      restoreLines(statement({ wallets: [bitcoin, ethereum] }), state, 86_400_000, { nowMs: NOW, all }),
      false,
    ).replaceAll(/\s+/g, ' ');

  it('is each wallet with block, coins, nonces and fee, and what becomes dead', () => {
    for (const shown of [
      'the record on the token: entry 41',
      'bbbbbbbb bbbbbbbb',
      '5 unspent',
      'and 2 more: see --all',
      '5 used up on the chain: 0 to 4',
      '2 to be used up by payments of nothing to itself: 5 to 6',
      '7 is the first that may pay again',
      'at most 0.00005 BTC',
      'is dead: it is never signed, and never voided either',
      '24 hours at most',
      'with a node of MY OWN',
    ]) {
      expect(text(false)).toContain(shown);
    }
  });

  it('shows every coin when asked, and always a hash of the list', () => {
    for (const outpoint of bitcoin.unspent) expect(text(true)).toContain(outpoint);
    expect(text(false)).not.toContain(bitcoin.unspent[4]);
    expect(text(false)).toMatch(/hash of the sorted list [0-9a-f]{4} /);
  });
});

describe('what officers decide otherwise than the service proposes', () => {
  const none = new Map<string, string>();
  const from = (wallet: RestoredWallet, nextNonce = none, feeCeiling = none) =>
    decided(wallet, { nextNonce, feeCeiling }, { state });

  it('is the next nonce of an Ethereum wallet, and the fee ceiling, exactly', () => {
    expect(from(ethereum, new Map([['hot-eth', '12']]))).toEqual({ ...ethereum, nextNonce: 12 });
    expect(from(bitcoin, none, new Map([['hot-btc', '0.0001']]))).toEqual({
      ...bitcoin,
      refreshFeeCeiling: '10000',
    });
    expect(from(bitcoin)).toEqual(bitcoin);
  });

  it('is refused where it means nothing (arguments-invalid), or is not exact', () => {
    const codeOf = (work: () => unknown) => {
      try {
        work();
        return 'accepted';
      } catch (error) {
        if (error instanceof Fault) return error.code;
        throw error;
      }
    };
    expect(codeOf(() => from(bitcoin, new Map([['hot-btc', '12']])))).toBe('arguments-invalid');
    expect(codeOf(() => from(ethereum, new Map([['hot-eth', '1.5']])))).toBe('arguments-invalid');
    expect(codeOf(() => from(bitcoin, none, new Map([['hot-btc', '0.000000001']])))).toMatch(/^amount-/);
  });
});

describe('portcullis signer restore', () => {
  async function run(...argv: string[]) {
    const output = new PassThrough();
    const errors = new PassThrough();
    const cli = portcullis(new Terminal({ input: new PassThrough(), output, errors }, {}), {});
    const exit = await cli.run(argv);
    const json = (stream: PassThrough): unknown => {
      const said = String(stream.read() ?? '');
      return said === '' ? undefined : JSON.parse(said);
    };
    return { exit, answer: json(output), failure: json(errors) };
  }
  const check = (...more: string[]) =>
    run('signer', 'restore', 'check', files.restore, '--deployment', state.deploymentId, '--json', ...more);

  it('without a step is the walk; with one that there is not, it is a mistake', async () => {
    const where = ['--record', files.record, '--restore', files.restore, '--log', files.log];
    const walked = await run('signer', 'restore', '--deployment', state.deploymentId, '--json', ...where);
    expect(walked).toMatchObject({ exit: EXIT.ok, answer: { next: 'record', files } });
    expect(await run('signer', 'restore', 'everything', '--json')).toMatchObject({ exit: EXIT.usage });
  });

  it('checks with nothing running, under the newest of the logs at hand', async () => {
    const createdAtMs = Date.now();
    const now = { createdAtMs, expiresAtMs: createdAtMs + 3_600_000 };
    write(files.log, [genesis]);
    write(files.restore, signedBy(statement(now), alice));
    expect(await check('--log', files.log)).toMatchObject({
      exit: EXIT.refused,
      failure: { error: { code: 'governance-quorum-missing' } },
    });
    write(files.restore, signedBy(statement(now), alice, bob));
    expect(await check('--log', files.log)).toMatchObject({ exit: EXIT.ok, answer: { valid: true } });
    write(files.record, { ...record, hash: '0'.repeat(64) });
    expect(await check('--log', files.log, '--record', files.record)).toMatchObject({
      failure: { error: { code: 'restore-other-record' } },
    });
    write(files.record, { ...record, governanceSequence: 0, governanceHead: state.head });
    expect(await check('--log', files.log, '--record', files.record)).toMatchObject({ exit: EXIT.ok });
    write(files.record, { ...record, governanceSequence: 1, governanceHead: entryHash(second.body) });
    expect(await check('--log', files.log, '--record', files.record)).toMatchObject({
      exit: EXIT.refused,
      failure: { error: { code: 'restore-governance-behind' } },
    });
    const configured = at('cli.yaml');
    writeFileSync(configured, 'log: longer.json\n', { mode: 0o600 });
    write(at('longer.json'), [genesis, second]);
    expect(await check('--log', files.log, '--config', configured)).toMatchObject({
      exit: EXIT.refused,
      failure: { error: { code: 'restore-governance-mismatch' } },
    });
    const fork = signed({ ...bodyAfter(state, ADD_DAVE), createdAtMs: 1_700_000_000_999 }, alice, bob);
    write(files.log, [genesis, fork]);
    expect(await check('--log', files.log, '--config', configured)).toMatchObject({
      exit: EXIT.mismatch,
      failure: { error: { code: 'governance-mismatch' } },
    });
  });
});
