// The watcher as a process: what it states, what it refuses to state, and that nobody brings it to say something else. Its
// nodes are real ones; its price and screening sources are servers of this test, honest or not.

import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { spawnSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { keccak_256 } from '@noble/hashes/sha3.js';
import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js';
import { type BitcoinDevnet, startBitcoinDevnet } from '../../devnet/bitcoin-node.js';
import { type EthereumDevnet, startEthereumDevnet } from '../../devnet/ethereum-node.js';
import { jsonRpc } from '../../devnet/json-rpc.js';
import { type RunningWatcher, WatcherHome } from '../../devnet/watcher.js';
import type { SignedFact } from '../../src/core/facts/fact.js';
import { verifyFacts } from '../../src/core/facts/verify.js';
import { start } from '../../src/core/governance/people.fixture.js';
import { portableVerifier } from '../../src/core/statements/signature.js';

const BITCOIN = 'bip122:0f9188f13cb7b2c71f2a335e3a4fc328';
const ETHEREUM = 'eip155:31337';
const BTC = `price/${BITCOIN}/native/USD`;
const CLEAN = '0x70997970c51812dc3a010c7d01b50e0d17dc79c8';
const LISTED = '0x3c44cdddb6a900fa2b585dd299e03d12fa4293bc';

let place: string;
let home: WatcherHome;
let watcher: RunningWatcher;
let bitcoin: BitcoinDevnet;
let ethereum: EthereumDevnet;
let token: string;
let sources: Server;
let said: Record<string, string>;

/** What the sources say, by path; one that is not there never answers. */
function url(path: string): string {
  return `http://127.0.0.1:${(sources.address() as AddressInfo).port}${path}`;
}

/** Its login is in a file, as Bitcoin Core writes it. */
function bitcoinNode() {
  const at = new URL(bitcoin.rpcUrl);
  const loginFile = join(place, 'cookie');
  writeFileSync(loginFile, `${at.username}:${at.password}`);
  at.username = '';
  at.password = '';
  return { url: at.href, loginFile };
}

const settings = () => ({
  keepMs: 0,
  timeoutMs: 1_500,
  pace: { perMinute: 600, burst: 300 },
  prices: [
    {
      chain: BITCOIN,
      contract: 'native' as const,
      sources: ['a', 'b', 'c'].map((name) => ({
        name,
        place: { url: url(`/price/${name}`) },
        pointer: '/data/0/price',
      })),
      leastSources: 2,
      maxSpreadBasisPoints: 100,
    },
  ],
  screenings: [
    {
      kind: 'list' as const,
      chains: [ETHEREUM],
      file: join(place, 'listed'),
      otherwise: { result: 'clear' as const, riskScore: 1 },
    },
    {
      kind: 'http' as const,
      chains: [BITCOIN],
      url: url('/screen/{chain}/{address}'),
      resultPointer: '/result',
      riskPointer: '/risk',
    },
  ],
  numbers: [
    {
      kind: 'balance' as const,
      wallet: 'hot-btc',
      chain: BITCOIN,
      contract: 'native' as const,
      place: { file: join(place, 'balances.json') },
      pointer: '/hot-btc',
    },
  ],
  chains: {
    bitcoin: { [BITCOIN]: bitcoinNode() },
    ethereum: { [ETHEREUM]: { url: ethereum.rpcUrl, contracts: [token] } },
  },
});

beforeAll(async () => {
  place = mkdtempSync(join(tmpdir(), 'portcullis-watcher-'));
  said = {};
  sources = createServer((request, response) => {
    const text = said[request.url ?? ''];
    if (text !== undefined) response.end(text);
  });
  await new Promise<void>((resolve) => {
    sources.listen(0, '127.0.0.1', resolve);
  });
  writeFileSync(join(place, 'listed'), `# the list\n${LISTED} blocked 99\nend\n`);
  writeFileSync(join(place, 'balances.json'), '{"hot-btc": 123456789012345678901}');
  [bitcoin, ethereum] = await Promise.all([
    startBitcoinDevnet({ logFile: join(place, 'bitcoin.log') }),
    startEthereumDevnet({ logFile: join(place, 'ethereum.log') }),
  ]);
  token = await ethereum.deployToken({ name: 'Test Dollar', symbol: 'USDX', supply: 1_000n });
  home = await WatcherHome.make(join(place, 'watcher'));
  watcher = await home.start(start.deploymentId, settings());
});
afterAll(async () => {
  await watcher?.stop();
  await Promise.all([bitcoin?.stop(), ethereum?.stop()]);
  sources.closeAllConnections();
  sources.close();
  rmSync(place, { recursive: true, force: true });
});

const quote = (price: string) => `{"data":[{"price":${price}}]}`;

function quotes(...prices: readonly (string | undefined)[]): void {
  for (const [at, name] of ['a', 'b', 'c'].entries()) {
    const price = prices[at];
    if (price === undefined) delete said[`/price/${name}`];
    else said[`/price/${name}`] = quote(price);
  }
}

/** What the signer would say of facts by this key. */
function verified(facts: readonly SignedFact[]) {
  const state = { ...start, factKeys: new Map([[home.key.keyId, home.key]]) };
  const outcome = verifyFacts(state, facts, portableVerifier, Date.now());
  if (outcome.kind === 'refused') throw new Error(outcome.code);
  return outcome.value.map(({ content }) => content);
}

async function whyNot(subject: string): Promise<string | undefined> {
  const { facts, missing } = await watcher.ask(subject);
  expect(facts).toEqual([]);
  return missing[0]?.code;
}

describe('a price', () => {
  it('is the median of the sources, to the last digit, in a fact that verifies', async () => {
    quotes('60000.10', '"60001.123456789012345678"', '60000.2');
    expect(verified(await watcher.facts(BTC))).toEqual([
      {
        kind: 'price',
        chain: BITCOIN,
        contract: 'native',
        currency: 'USD',
        price: '60000.2',
        sources: 3,
      },
    ]);
  });

  it('is the higher of two, where one source is silent', async () => {
    quotes('60000', '60100', undefined);
    expect(verified(await watcher.facts(BTC))).toMatchObject([{ price: '60100', sources: 2 }]);
  });

  it('is not stated while too few sources answer (price-sources-too-few)', async () => {
    quotes('60000', undefined, undefined);
    expect(await whyNot(BTC)).toBe('price-sources-too-few');
    for (const bad of [
      '-1',
      '0',
      '1e5',
      'null',
      '"x"',
      '[]',
      `"${'9'.repeat(50)}"`,
      '0.1234567890123456789',
    ]) {
      quotes('60000', bad, bad);
      expect(await whyNot(BTC)).toBe('price-sources-too-few');
    }
    said['/price/b'] = 'no JSON';
    said['/price/c'] = `{"data":"${'x'.repeat(300_000)}"}`;
    expect(await whyNot(BTC)).toBe('price-sources-too-few');
  });

  it('is not stated while they lie too far apart (price-spread-too-wide), exactly', async () => {
    quotes('60000', '60600', '60300');
    expect(verified(await watcher.facts(BTC))).toMatchObject([{ price: '60300' }]);
    quotes('60000', '60600.000000000000000001', '60300');
    expect(await whyNot(BTC)).toBe('price-spread-too-wide');
  });
});

describe('a screening', () => {
  const at = (address: string) => `screening/${ETHEREUM}/${address}`;
  const asked = `screening/${BITCOIN}/bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080`;
  const path = `/screen/${encodeURIComponent(BITCOIN)}/bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080`;

  it('is what the list says, as it stands now', async () => {
    expect(verified(await watcher.facts(at(CLEAN), at(LISTED)))).toMatchObject([
      { result: 'clear', riskScore: 1 },
      { result: 'blocked', riskScore: 99 },
    ]);
    writeFileSync(join(place, 'listed'), `${CLEAN} flagged 50\n${LISTED} blocked 99\nend\n`);
    expect(verified(await watcher.facts(at(CLEAN)))).toMatchObject([{ result: 'flagged', riskScore: 50 }]);
  });

  it('is not stated out of a list with a line that cannot be read (source-malformed)', async () => {
    writeFileSync(join(place, 'listed'), `${LISTED} blocked\nend\n`);
    expect(await whyNot(at(CLEAN))).toBe('source-malformed');
    writeFileSync(join(place, 'listed'), `${LISTED} blocked 99\nend\n`);
    expect(verified(await watcher.facts(at(CLEAN)))).toMatchObject([{ result: 'clear' }]);
  });

  it('is what a service answers, and nothing but that', async () => {
    said[path] = '{"result":"flagged","risk":71}';
    expect(verified(await watcher.facts(asked))).toMatchObject([{ result: 'flagged', riskScore: 71 }]);
    for (const bad of [
      '{"result":"fine","risk":1}',
      '{"result":"clear","risk":101}',
      '{"result":"clear"}',
      '[]',
    ]) {
      said[path] = bad;
      expect(await whyNot(asked)).toBe('source-malformed');
    }
    delete said[path];
    expect(await whyNot(asked)).toBe('source-unreachable');
  });
});

describe('what the nodes say', () => {
  it('is the newest block, whose hash is worked out here', async () => {
    const [mine, theirs] = verified(
      await watcher.facts(`block-header/${BITCOIN}`, `block-header/${ETHEREUM}`),
    );
    const tip = await jsonRpc(bitcoin.rpcUrl, 'getbestblockhash', []);
    expect(mine).toMatchObject({ kind: 'block-header', hash: tip, stateRoot: null });
    expect(theirs).toMatchObject({
      kind: 'block-header',
      stateRoot: expect.stringMatching(/^[0-9a-f]{64}$/),
    });
  });

  it('is the code and the storage of a contract, proved against that block', async () => {
    const contract = token.toLowerCase();
    const slot = '2'.padStart(64, '0');
    const bytecode = await jsonRpc(ethereum.rpcUrl, 'eth_getCode', [token, 'latest']);
    const codeHash = bytesToHex(keccak_256(hexToBytes(String(bytecode).slice(2))));
    const [code, storage] = verified(
      await watcher.facts(`code/${ETHEREUM}/${contract}`, `storage/${ETHEREUM}/${contract}/${slot}`),
    );
    expect(code).toMatchObject({ kind: 'code', codeHash });
    expect(storage).toMatchObject({ kind: 'storage', value: 1_000n.toString(16).padStart(64, '0') });
  });

  it('is how deep a transaction lies', async () => {
    const unknown = `confirmations/${ETHEREUM}/${'ab'.repeat(32)}`;
    expect(verified(await watcher.facts(unknown))).toMatchObject([{ confirmations: 0 }]);
  });

  it('is nothing about what is not configured (subject-not-watched)', async () => {
    for (const subject of [
      `code/${ETHEREUM}/${CLEAN}`,
      'block-header/eip155:1',
      `price/${BITCOIN}/native/EUR`,
      `balance/other/${BITCOIN}/native`,
    ])
      expect(await whyNot(subject)).toBe('subject-not-watched');
  });
});

describe('numbers that others count', () => {
  it('are taken over exactly', async () => {
    expect(verified(await watcher.facts(`balance/hot-btc/${BITCOIN}/native`))).toMatchObject([
      { kind: 'balance', amount: '123456789012345678901' },
    ]);
  });
});

describe('the door', () => {
  const status = async (path: string, init: RequestInit = {}) =>
    (await fetch(`${watcher.url}${path}`, init)).status;

  it('answers what it is for, and nothing else', async () => {
    expect(await status('/facts?subject=x')).toBe(400);
    expect(await status('/facts')).toBe(400);
    expect(await status(`/facts?subject=${BTC}&sign=1`)).toBe(400);
    expect(await status(`/facts?${`subject=${BTC}&`.repeat(33)}`)).toBe(400);
    expect(await status('/etc/passwd')).toBe(404);
    expect(await status('/facts', { method: 'POST', body: 'x' })).toBe(405);
    expect(await status('/health', { method: 'DELETE' })).toBe(405);
    expect(await (await fetch(`${watcher.url}/health`)).json()).toEqual({
      deploymentId: start.deploymentId,
      keyId: 'watcher-1',
      publicKey: home.key.publicKey,
    });
  });

  it('lets nobody ask faster than its pace', async () => {
    const answers: number[] = [];
    for (let at = 0; at < 350; at += 1) answers.push(await status('/health'));
    expect(answers).toContain(429);
  });
});

describe('a watcher that is started again', () => {
  it('goes on with higher numbers, killed or not', async () => {
    quotes('60000', '60000', '60000');
    const sequenceOf = ([fact]: readonly SignedFact[]) => fact?.statement.sequence ?? 0;
    await watcher.stop();
    watcher = await home.start(start.deploymentId, settings());
    const before = sequenceOf(await watcher.facts(BTC));
    const next = sequenceOf(await watcher.facts(BTC));
    expect(next).toBeGreaterThan(before);
    watcher.program.signal('SIGKILL');
    await watcher.program.exited;
    watcher = await home.start(start.deploymentId, settings());
    expect(sequenceOf(await watcher.facts(BTC))).toBeGreaterThan(next);
  });

  it('is not started with a key that others can read, nor without its numbers', async () => {
    const run = (verb: string) =>
      spawnSync(process.execPath, [home.program, verb, '--config', join(home.folder, 'watcher.json')], {
        encoding: 'utf8',
      });
    chmodSync(join(home.folder, 'fact-key.pem'), 0o640);
    const open = run('serve');
    expect([open.status, JSON.parse(open.stdout)]).toMatchObject([3, { code: 'key-open-to-others' }]);
    expect(run('check').status).toBe(2);
    chmodSync(join(home.folder, 'fact-key.pem'), 0o600);
    const numbers = readFileSync(join(home.folder, 'sequence'), 'utf8');
    rmSync(join(home.folder, 'sequence'));
    const lost = run('serve');
    expect([lost.status, JSON.parse(lost.stdout)]).toMatchObject([3, { code: 'sequence-missing' }]);
    writeFileSync(join(home.folder, 'sequence'), 'x\n');
    expect(JSON.parse(run('serve').stdout)).toMatchObject({ code: 'sequence-malformed' });
    expect(JSON.parse(run('init').stdout)).toMatchObject({ code: 'sequence-exists' });
    writeFileSync(join(home.folder, 'sequence'), numbers);
    expect(run('check').status).toBe(0);
  });
});
