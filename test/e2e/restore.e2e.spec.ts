// The drill of docs/restore.md on real parts: the signer's store is lost while something is signed and withheld, two officers
// with tokens of their own walk through the restore with the `portcullis` program, and afterwards nothing of the past can be
// paid any more, and the present can. Somebody who means harm tries to use the hour.

import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { copyFile, readFile, rm, writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { compileProgram } from '../../devnet/compile-program.js';
import { ETH, ETHEREUM } from '../../devnet/deployment.js';
import { jsonRpcText } from '../../devnet/json-rpc.js';
import { codeOf, type SocketClient } from '../../devnet/socket-client.js';
import { type Coin, eip1559, payTo, psbt } from '../../devnet/transactions.js';
import { type RestoreFile, restoreFile } from '../../src/cli/restore-file.js';
import { Fault } from '../../src/core/fault.js';
import type { Change } from '../../src/core/governance/entry.js';
import { p2wpkhScript } from '../../src/core/intents/bitcoin/address.js';
import { signResult } from '../../src/signer-protocol/messages.js';
import { Desk, type Ended } from '../cli/desk.js';
import { expectBooksAgree } from './books.js';
import { freshBitcoinAddress, freshEthereumAddress } from './chains.js';
import { ETHER, eventually, Rig } from './rig.js';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const OFFICERS = ['dora', 'erin'] as const;
type Name = (typeof OFFICERS)[number];

let rig: Rig;
let desk: Desk;
let signerProgram: string;
let socket: SocketClient;
const configs = new Map<Name, string>();
/** What the lost store signed, and nobody but whoever asked for it has. */
const withheld = { bitcoin: '', ethereum: '', outpoint: '', nonce: 0 };
let waiting: string;
let drafted: RestoreFile;

beforeAll(async () => {
  rig = await Rig.start();
  desk = await Desk.create(OFFICERS);
  signerProgram = await compileProgram('src/signer/main.ts');
  for (const name of OFFICERS) await appoint(name);
  rig.chains.startMining();
  const paid = [
    await rig.taken(rig.request({ asset: 'BTC', amount: 900_000n })),
    await rig.taken(rig.request({ asset: 'ETH', amount: ETHER / 100n })),
  ];
  await rig.settled(paid);
  await rig.chains.stopMining();
  waiting = await rig.taken(rig.request({ asset: 'BTC', amount: 5_000_000n }));
  await rig.until(waiting, ['awaiting-approvals']);
});
afterAll(async () => {
  await rig?.stop();
  await desk?.destroy();
});

/** An officer whose key is in a token of their own, and a configuration file of theirs. */
async function appoint(name: Name): Promise<void> {
  const { deploymentId } = rig.deployment;
  const alone = await desk.config(name, { api: rig.first().url, deployment: deploymentId });
  configs.set(name, alone);
  const key = ['--label', 'approvals', '--curve', 'p256'];
  const made = await desk.run('keys', 'generate', ...key, '--json', '--config', alone);
  const publicKey = String(made.answer?.publicKey);
  const credential = {
    credentialId: `${name}-token`,
    credentialClass: 'pkcs11',
    algorithm: 'p256',
    publicKey,
  } as const;
  const change: Change = {
    kind: 'person-added',
    person: { personId: name, name, credentials: [credential] },
    groups: ['governors', 'treasury'],
  };
  await rig.govern(change);
}

/** One command of an officer, on their own machine. */
function officer(name: Name, ...args: string[]): Promise<Ended> {
  return desk.run(...args, '--json', '--config', configs.get(name) ?? '');
}

/** The signer's own program, on its host. */
async function onHost(...args: string[]): Promise<Record<string, unknown>> {
  const config = await desk.write('signer.json', rig.deployment.config());
  const output = await new Promise<string>((resolve) => {
    const argv = ['--no-deprecation', signerProgram, ...args, '--config', config];
    const env = { PATH: process.env.PATH };
    execFile(process.execPath, argv, { cwd: desk.folder, env, timeout: MINUTE_MS }, (_error, text) =>
      resolve(text),
    );
  });
  return z.record(z.string(), z.unknown()).parse(JSON.parse(output.trim().split('\n').at(-1) ?? '{}'));
}

const storePath = () => rig.deployment.config().storePath;

async function startCode(): Promise<string> {
  try {
    socket = await rig.deployment.start();
    return 'started';
  } catch (error) {
    if (error instanceof Fault) return error.code;
    throw error;
  }
}

/** A coin of the wallet that nothing has spent, with the transaction that made it, as the blocks have it. */
async function ownCoin(): Promise<Coin> {
  const script = p2wpkhScript(rig.deployment.publicKeys.bitcoin);
  const transactions = (await rig.chains.bitcoinBlocks()).flatMap((block) => block.transactions ?? []);
  const spent = new Set(
    transactions.flatMap(({ ins }) =>
      ins.map(({ hash, index }) => `${Buffer.from(hash.toReversed()).toString('hex')}:${index}`),
    ),
  );
  for (const previous of transactions) {
    for (const [vout, output] of previous.outs.entries()) {
      const isOwn = Buffer.from(output.script).toString('hex') === script;
      if (!isOwn || spent.has(`${previous.getId()}:${vout}`)) continue;
      return { previous, vout, amountSats: output.value, script };
    }
  }
  throw new Error('the wallet has no coin');
}

/** Somebody who owns the orchestrator has two payments signed, and keeps them. */
async function withhold(): Promise<void> {
  const { deployment } = rig;
  const spent = await ownCoin();
  const destination = freshBitcoinAddress();
  const bitcoin = deployment.request({ amount: '700000', destination });
  const change = { script: spent.script, amountSats: spent.amountSats - 700_000n - 1_000n };
  const first = await socket.sign({
    wallet: 'hot-btc',
    transaction: psbt([spent], [payTo(destination, 700_000n), change]),
    transfers: [deployment.transfer(bitcoin)],
  });
  if (first.kind !== 'done') throw new Error(codeOf(first));
  const nonce = (await rig.chains.ethereumPayments(rig.ethereumAddress)).length;
  const to = freshEthereumAddress();
  const value = ETHER / 100n;
  const ethereum = deployment.request({
    chain: ETHEREUM,
    wallet: 'hot-eth',
    asset: ETH,
    amount: value.toString(),
    feeCeiling: (ETHER / 200n).toString(),
    destination: to,
  });
  const second = await socket.sign({
    wallet: 'hot-eth',
    transaction: eip1559({ to, value, nonce }),
    transfers: [deployment.transfer(ethereum)],
  });
  if (second.kind !== 'done') throw new Error(codeOf(second));
  withheld.bitcoin = signResult.parse(first.result).signedTransaction;
  withheld.ethereum = signResult.parse(second.result).signedTransaction;
  withheld.outpoint = `${spent.previous.getId()}:${spent.vout}`;
  withheld.nonce = nonce;
}

/** What the node says to a transaction that somebody broadcasts. */
async function broadcastBitcoin(): Promise<unknown> {
  return rig.chains.bitcoin.call('testmempoolaccept', [[withheld.bitcoin]]);
}

function broadcastEthereum(): Promise<string> {
  const { rpcUrl } = rig.chains.ethereum;
  return jsonRpcText(rpcUrl, 'eth_sendRawTransaction', [`0x${withheld.ethereum}`]);
}

const next = (ended: Ended) => ended.answer?.next;
const nodes = () => [
  '--bitcoin-rpc',
  nodeUrl(),
  '--bitcoin-cookie',
  'cookie',
  '--ethereum-rpc',
  rig.chains.ethereum.rpcUrl,
];
function nodeUrl(): string {
  const url = new URL(rig.chains.bitcoin.rpcUrl);
  return `http://${url.host}/`;
}

async function file(name: string): Promise<RestoreFile> {
  return restoreFile.parse(JSON.parse(await readFile(desk.path(name), 'utf8')));
}

describe('a lost store', () => {
  it('stops the signer (store-missing), and an officer is told where to begin', async () => {
    socket = await rig.deployment.connect();
    await withhold();
    expect(await broadcastBitcoin()).toMatchObject([{ allowed: true }]);
    await rig.deployment.stop();
    await copyFile(storePath(), desk.path('stolen.db'));
    for (const suffix of ['', '-wal', '-shm']) await rm(`${storePath()}${suffix}`, { force: true });
    expect(await startCode()).toBe('store-missing');
    const walk = await officer('dora', 'signer', 'restore');
    expect([walk.exit, next(walk)]).toEqual([0, 'record']);
  });

  it('has its governance log saved, which two entries follow upon genesis in', async () => {
    const log = await officer('dora', 'governance', 'log', '--out', 'governance.json');
    expect(log).toMatchObject({ exit: 0, answer: { entries: 3, pinned: true } });
    const entries = z
      .array(z.unknown())
      .parse(JSON.parse(await readFile(desk.path('governance.json'), 'utf8')));
    await desk.write('short.json', entries.slice(0, -1));
    const { username, password } = new URL(rig.chains.bitcoin.rpcUrl);
    await desk.write('cookie', `${decodeURIComponent(username)}:${decodeURIComponent(password)}`);
  });

  it('has its record read out on the host, and a draft is made of what the chains say', async () => {
    const record = await onHost('record');
    expect(record).toMatchObject({ event: 'record', deploymentId: rig.deployment.deploymentId });
    await writeFile(desk.path('record.json'), `${JSON.stringify(record)}\n`);
    expect(next(await officer('dora', 'signer', 'restore'))).toBe('draft');
    const nonce = `hot-eth=${withheld.nonce + 1}`;
    const args = ['--record', 'record.json', '--next-nonce', nonce, '--out', 'restore.json'];
    const draft = await officer('dora', 'signer', 'restore', 'draft', ...args);
    expect(draft).toMatchObject({ exit: 0, errors: '' });
    drafted = await file('restore.json');
    const [bitcoin, ethereum] = drafted.statement.wallets.toSorted((a, b) => (a.family < b.family ? -1 : 1));
    expect(bitcoin).toMatchObject({
      walletId: 'hot-btc',
      unspent: expect.arrayContaining([withheld.outpoint]),
    });
    expect(ethereum).toMatchObject({ minedNonces: withheld.nonce, nextNonce: withheld.nonce + 1 });
    expect(next(await officer('dora', 'signer', 'restore'))).toBe('sign');
  });

  it('is signed by nobody whose node sees another chain (node-mismatch), or who knows a longer log', async () => {
    const [first, ...others] = drafted.statement.wallets;
    if (!first) throw new Error('no wallets');
    const lies = [
      { ...first, block: { ...first.block, hash: 'b'.repeat(64) } },
      first.family === 'bitcoin'
        ? { ...first, unspent: [`${'c'.repeat(64)}:0`, ...first.unspent.slice(1)] }
        : { ...first, minedNonces: first.minedNonces + 1 },
    ];
    for (const [index, lie] of lies.entries()) {
      const name = `lie-${index}.json`;
      await desk.write(name, {
        statement: { ...drafted.statement, wallets: [lie, ...others] },
        signatures: [],
      });
      const ended = await officer('dora', 'signer', 'restore', 'sign', name, '--yes', ...nodes());
      expect(ended).toMatchObject({ exit: 4, code: 'node-mismatch' });
      expect((await file(name)).signatures).toEqual([]);
    }
    const { governanceSequence, ...rest } = drafted.statement;
    const older = { ...rest, governanceSequence: governanceSequence - 1, governanceHead: 'd'.repeat(64) };
    await desk.write('older.json', { statement: older, signatures: [] });
    const sign = ['signer', 'restore', 'sign', 'older.json', '--yes', '--log', 'short.json'];
    expect(await officer('dora', ...sign)).toMatchObject({ exit: 1, code: 'restore-governance-mismatch' });
    expect(await officer('dora', 'signer', 'restore', 'sign', 'restore.json')).toMatchObject({
      exit: 2,
      code: 'confirmation-needed',
    });
    expect((await file('restore.json')).signatures).toEqual([]);
  });

  it('is signed by two officers, each after comparing it with a node of their own', async () => {
    const sign = ['signer', 'restore', 'sign', 'restore.json', '--yes', '--record', 'record.json'];
    const first = await officer('dora', ...sign, ...nodes());
    expect(first).toMatchObject({ exit: 0, answer: { signatures: ['dora-token'] } });
    const compared = z
      .array(z.object({ walletId: z.string(), findings: z.array(z.object({ says: z.string() })) }))
      .parse(first.answer?.compared);
    expect(compared.map(({ walletId, findings }) => [walletId, findings.map(({ says }) => says)])).toEqual([
      ['hot-btc', ['same', 'same']],
      ['hot-eth', ['same', 'same']],
    ]);
    expect(next(await officer('dora', 'signer', 'restore'))).toBe('sign');
    const check = ['signer', 'restore', 'check', 'restore.json', '--log', 'governance.json'];
    expect(await officer('dora', ...check)).toMatchObject({ exit: 1, code: 'governance-quorum-missing' });
    await copyFile(desk.path('restore.json'), desk.path('one.json'));
    expect(await officer('dora', ...sign)).toMatchObject({ exit: 2, code: 'file-exists' });
    expect(await officer('erin', ...sign)).toMatchObject({ exit: 0 });
    expect(await officer('erin', ...check, '--record', 'record.json')).toMatchObject({ exit: 0 });
    expect(next(await officer('erin', 'signer', 'restore'))).toBe('restore');
  });

  it('is not made anew by what is not signed by the quorum for this record, log, time and place', async () => {
    const whole = await file('restore.json');
    const { statement } = whole;
    const restoring = async (name: string, content: unknown, log = 'governance.json') => {
      await desk.write(name, content);
      return onHost('restore', '--restore', name, '--log', log);
    };
    expect(await restoring('a.json', await file('one.json'))).toMatchObject({
      code: 'governance-quorum-missing',
    });
    expect(await restoring('b.json', whole, 'short.json')).toMatchObject({
      code: 'restore-governance-mismatch',
    });
    const wallets = statement.wallets.slice(1);
    expect(await restoring('c.json', { ...whole, statement: { ...statement, wallets } })).toMatchObject({
      code: 'restore-wallets-incomplete',
    });
    const expiresAtMs = statement.expiresAtMs - 1;
    expect(await restoring('d.json', { ...whole, statement: { ...statement, expiresAtMs } })).toMatchObject({
      code: 'governance-signature-invalid',
    });
    const early = { ...statement, createdAtMs: 1, expiresAtMs: 2 };
    expect(await restoring('e.json', { ...whole, statement: early })).toMatchObject({
      code: 'restore-expired',
    });
    const lost = { ...statement.lost, sequence: statement.lost.sequence + 1 };
    expect(await restoring('f.json', { ...whole, statement: { ...statement, lost } })).toMatchObject({
      code: 'restore-other-record',
    });
    await copyFile(desk.path('stolen.db'), storePath());
    expect(await restoring('g.json', whole)).toMatchObject({ code: 'store-exists' });
    await rm(storePath());
    expect(existsSync(storePath())).toBe(false);
    expect(await startCode()).toBe('store-missing');
  });

  it('is made anew on the host, once, and the signer serves again', async () => {
    const args = ['restore', '--restore', 'restore.json', '--log', 'governance.json'];
    const { sequence } = drafted.statement.lost;
    expect(await onHost(...args)).toMatchObject({ event: 'restored', sequence: sequence + 1 + 3 });
    await copyFile(storePath(), desk.path('restored.db'));
    for (const suffix of ['', '-wal', '-shm']) await rm(`${storePath()}${suffix}`, { force: true });
    expect(await onHost(...args)).toMatchObject({ code: 'restore-other-record' });
    await copyFile(desk.path('restored.db'), storePath());
    expect(await startCode()).toBe('started');
    // An orchestrator that found no signer a moment ago waits for some seconds before it looks again.
    await eventually('the orchestrator finds the signer again', async () => {
      return next(await officer('erin', 'signer', 'restore', '--ask')) === 'refresh';
    });
  });

  it('leaves older requests dead, approved or not (request-before-restore)', async () => {
    const { deployment } = rig;
    const before = deployment.request({ createdAtMs: drafted.statement.createdAtMs });
    expect(codeOf(await socket.ask({ verb: 'void', request: before }))).toBe('request-before-restore');
    await rig.approve(waiting, [deployment.alice, deployment.bob]);
    const dead = await rig.until(waiting, ['refused', 'indeterminate']);
    expect(JSON.stringify(dead.transitions)).toContain('request-before-restore');
  });

  it('has all old coins and nonces used up, and what was withheld can no longer be mined', async () => {
    rig.chains.startMining();
    const ended = await officer('dora', 'signer', 'restore', 'refresh', 'restore.json', '--timeout', '50s');
    expect(ended).toMatchObject({ exit: 0, errors: '' });
    expect(next(await officer('dora', 'signer', 'restore', '--ask'))).toBe(null);
    expect(await broadcastBitcoin()).not.toMatchObject([{ allowed: true }]);
    await expect(broadcastEthereum()).rejects.toThrow(/nonce/i);
    const spent = (await rig.chains.bitcoinBlocks()).flatMap(({ transactions = [] }) =>
      transactions.flatMap(({ ins }) =>
        ins.map(({ hash, index }) => `${Buffer.from(hash.toReversed()).toString('hex')}:${index}`),
      ),
    );
    const [bitcoin] = drafted.statement.wallets.filter(({ family }) => family === 'bitcoin');
    if (bitcoin?.family !== 'bitcoin') throw new Error('no Bitcoin wallet');
    expect(spent).toEqual(expect.arrayContaining(bitcoin.unspent));
    await expectBooksAgree(rig);
  });

  it('keeps every limit exhausted for one window (limit-exceeded), and pays again after it', async () => {
    const { time } = rig.deployment;
    time.advance(6 * MINUTE_MS);
    const early = await rig.taken(rig.request({ asset: 'BTC', amount: 300_000n }));
    const refusal = await rig.until(early, ['refused']);
    expect(refusal.reason.code).toBe('limit-exceeded');
    time.advance(25 * HOUR_MS);
    await rig.vouch();
    const paid = await Promise.all([
      rig.taken(rig.request({ asset: 'BTC', amount: 300_000n })),
      rig.taken(rig.request({ asset: 'ETH', amount: ETHER / 50n })),
    ]);
    for (const { destination, asset, amount } of await rig.settled(paid)) {
      if (asset.symbol === 'ETH') expect(await rig.chains.ethereum.balance(destination)).toBe(BigInt(amount));
      else expect(await rig.chains.bitcoinOutputs(destination)).toHaveLength(1);
    }
    await expectBooksAgree(rig);
  });
});
