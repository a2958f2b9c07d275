// A signer that is cut down at one line of a signature. At each point the token fails, and what lies on the disk at that
// very moment is what the next signer starts from: one transaction at most comes of it, and no reservation is lost.

import { copyFileSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { Deployment } from '../../devnet/deployment.js';
import { type Coin, coin, payTo, psbt } from '../../devnet/transactions.js';
import type { KeySigner } from '../../hardware/key-signer.js';
import type { SigningOrder } from '../../src/core/authorization/signing-order.js';
import { Fault, type Outcome } from '../../src/core/fault.js';
import type { PolicyDocument } from '../../src/core/governance/entry.js';
import { p2wpkhScript } from '../../src/core/intents/bitcoin/address.js';
import { requestDigest, transferIdOf } from '../../src/core/statements/request.js';
import { nativeVerifier } from '../../src/platform/native-verifier.js';
import { ownArithmetic } from '../../src/platform/signature-arithmetic.js';
import { Anchor, readAnchor } from '../../src/signer/anchor.js';
import { readSeal } from '../../src/signer/seal.js';
import { Signer } from '../../src/signer/signer.js';
import { SignerClock } from '../../src/signer/signer-clock.js';
import { type RunningSigner, startSigner } from '../../src/signer/start.js';
import { SignerStore } from '../../src/signer/store.js';

const DESTINATION = 'bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080';

function policy(name: string, text: string): PolicyDocument {
  return { name, lines: text.trim().split('\n') };
}

const POLICIES = [
  policy(
    'hot-bitcoin',
    `
policy: hot-bitcoin
applies-to: { wallets: [hot-btc] }
fee-caps: { absolute: "0.0005 BTC", relative: "100%" }
limits:
  - { id: hour, per: wallet, asset: BTC, window: 1h, max: "0.01 BTC" }
rules:
  - { id: any, when: { asset: BTC, amount-at-most: "1 BTC" }, then: allow }`,
  ),
];

/** The real token, and what happens around its calls. */
class TamperedToken implements KeySigner {
  beforeSign: () => void | Promise<void> = () => undefined;
  afterSign: () => void = () => undefined;
  beforeWrite: () => void = () => undefined;
  afterWrite: () => void = () => undefined;
  constructor(private readonly real: KeySigner) {}

  status: KeySigner['status'] = () => this.real.status();
  describeKey: KeySigner['describeKey'] = (key) => this.real.describeKey(key);
  generateKey: KeySigner['generateKey'] = (label, curve) => this.real.generateKey(label, curve);
  signMessage: KeySigner['signMessage'] = (key, message) => this.real.signMessage(key, message);
  readRecord: KeySigner['readRecord'] = (name) => this.real.readRecord(name);
  close: KeySigner['close'] = () => this.real.close();
  async signDigest(...call: Parameters<KeySigner['signDigest']>): Promise<Uint8Array> {
    await this.beforeSign();
    const signature = await this.real.signDigest(...call);
    this.afterSign();
    return signature;
  }
  async writeRecord(...call: Parameters<KeySigner['writeRecord']>): Promise<void> {
    this.beforeWrite();
    await this.real.writeRecord(...call);
    this.afterWrite();
  }
}

let deployment: Deployment;
let copies = 0;
let doomed: { signer: Signer; token: TamperedToken; store: SignerStore } | undefined;
let next: RunningSigner | undefined;

beforeAll(async () => {
  deployment = await Deployment.create({ policies: POLICIES });
});
afterEach(async () => {
  doomed?.store.close();
  await doomed?.token.close();
  await next?.close();
  doomed = undefined;
  next = undefined;
  // The next test has a limit of its own; the time has to pass while a signer runs.
  next = await startSigner({ ...deployment.config(), storePath }, options());
  deployment.time.advance(2 * 3_600_000);
  await next.close();
  next = undefined;
});
afterAll(() => deployment.destroy());

let storePath = '';
const options = () => ({ time: deployment.time, tokenProgram: deployment.tokenProgram });

/** A signer as `startSigner` puts it together, with a token that can be tampered with. */
async function bootDoomed(): Promise<{ signer: Signer; token: TamperedToken; store: SignerStore }> {
  storePath ||= deployment.config().storePath;
  const token = new TamperedToken(deployment.spawnTreasury());
  const pinned = await readAnchor(token);
  if (!pinned) throw new Error('no anchor');
  const store = SignerStore.open(storePath, await readSeal(token));
  store.requireAnchor(pinned);
  const clock = new SignerClock(deployment.time, store.lastInstant());
  const anchor = new Anchor(token, deployment.deploymentId, store, pinned);
  const tokens = new Map([['treasury', { signer: token, serial: 'tampered' }]]);
  const signer = Signer.start({
    store,
    clock,
    verifier: nativeVerifier,
    arithmetic: ownArithmetic,
    anchor,
    tokens,
  });
  await anchor.cover(store.head().sequence);
  await signer.checkWallets();
  doomed = { signer, token, store };
  return doomed;
}

/** What lies on the disk at this moment becomes the store of the signer after this one. */
function powerFails(): void {
  const copy = join(deployment.directory, `copy-${copies++}.db`);
  for (const suffix of ['', '-wal']) {
    if (existsSync(`${storePath}${suffix}`)) copyFileSync(`${storePath}${suffix}`, `${copy}${suffix}`);
  }
  storePath = copy;
}

function die(): never {
  powerFails();
  throw new Fault('transient', 'the token failed at this very point');
}

function paying(request = deployment.request({ amount: '900000' }), spent: Coin = coin(own(), 1_000_000n)) {
  const amountSats = BigInt(request.statement.amount);
  const change = { script: own(), amountSats: spent.amountSats - amountSats - 10_000n };
  return deployment.vouched({
    wallet: 'hot-btc',
    transaction: psbt([spent], [payTo(DESTINATION, amountSats), change]),
    transfers: [deployment.transfer(request)],
  });
}

function own(): string {
  return p2wpkhScript(deployment.publicKeys.bitcoin);
}

async function codeOf(answer: Promise<Outcome<unknown>>): Promise<string> {
  try {
    const outcome = await answer;
    return outcome.kind === 'accepted' ? 'done' : outcome.code;
  } catch (error) {
    if (error instanceof Fault) return error.code;
    throw error;
  }
}

async function transferOf(signer: Signer, order: SigningOrder) {
  const ids = order.transfers.map(({ request }) => transferIdOf(requestDigest(request.statement)));
  return (await signer.status(ids)).transfers[0];
}

const POINTS: readonly (readonly [title: string, state: string, cut: (token: TamperedToken) => void])[] = [
  [
    'after the reservation, before the token is asked to sign',
    'reserved',
    (token) => {
      token.beforeSign = die;
    },
  ],
  [
    'after the token has signed, before that is recorded',
    'reserved',
    (token) => {
      token.afterSign = die;
    },
  ],
  [
    "before the token's record covers the reservation",
    'reserved',
    (token) => {
      token.beforeWrite = die;
    },
  ],
  [
    "after the token's record was written, before the token has signed",
    'reserved',
    (token) => {
      const written = Promise.withResolvers<void>();
      token.beforeSign = () => written.promise;
      token.afterWrite = () => {
        try {
          die();
        } catch (error) {
          written.reject(error);
          throw error;
        }
      };
    },
  ],
];

describe('a signer cut down', () => {
  it.each(POINTS)(
    '%s: the next one has the reservation and signs that order alone',
    async (_title, state, cut) => {
      const { signer, token } = await bootDoomed();
      const request = deployment.request({ amount: '900000' });
      const spent = coin(own(), 1_000_000n);
      const order = paying(request, spent);
      cut(token);
      expect(await codeOf(signer.sign(order))).toBe('transient');

      next = await startSigner({ ...deployment.config(), storePath }, options());
      const after = next.signer;
      expect(await transferOf(after, order)).toMatchObject({ state, transactionIds: [] });
      expect(await codeOf(after.sign(paying(request)))).toBe('transfer-already-signed');
      expect(await codeOf(after.sign(paying(deployment.request({ amount: '50000' }), spent)))).toBe(
        'outpoint-used',
      );
      expect(await codeOf(after.sign(paying(deployment.request({ amount: '100001' }))))).toBe(
        'limit-exceeded',
      );
      const first = await after.sign(order);
      const second = await after.sign(order);
      if (first.kind === 'refused' || second.kind === 'refused') throw new Error('not signed');
      expect(second.value).toEqual({ ...first.value, repeated: true });
      expect(await transferOf(after, order)).toMatchObject({
        state: 'signed',
        transactionIds: [first.value.transactionId],
      });
    },
  );

  it('after the signature is recorded, before anybody has it: the next one gives that very signature', async () => {
    const { signer } = await bootDoomed();
    const request = deployment.request({ amount: '900000' });
    const order = paying(request);
    const lost = await signer.sign(order);
    powerFails();
    if (lost.kind === 'refused') throw new Error('not signed');

    next = await startSigner({ ...deployment.config(), storePath }, options());
    expect(await codeOf(next.signer.sign(paying(request)))).toBe('transfer-already-signed');
    expect(await codeOf(next.signer.sign(paying(deployment.request({ amount: '100001' }))))).toBe(
      'limit-exceeded',
    );
    const found = await next.signer.sign(order);
    expect(found).toEqual({ kind: 'accepted', value: { ...lost.value, repeated: true } });
  });

  it('while the record on the token fails again and again: the one signature leaves neither it nor the next one, and then does', async () => {
    const { signer, token } = await bootDoomed();
    const order = paying();
    let signatures = 0;
    token.afterSign = () => {
      signatures++;
    };
    token.beforeWrite = () => {
      throw new Fault('transient', 'busy');
    };
    for (let tries = 0; tries < 3; tries++) {
      expect(await codeOf(signer.sign(order))).toBe('transient');
      expect(await transferOf(signer, order)).toMatchObject({ state: 'signed' });
    }
    token.beforeWrite = () => undefined;
    const both = await Promise.all([signer.sign(order), signer.sign(order)]);
    const [first, second] = both.map((outcome) => {
      if (outcome.kind === 'refused') throw new Error('not signed');
      return outcome.value;
    });
    expect(second).toEqual(first);
    expect(signatures).toBe(1);
    powerFails();
    next = await startSigner({ ...deployment.config(), storePath }, options());
    expect(await next.signer.sign(order)).toEqual({ kind: 'accepted', value: first });
  });
});

describe('the disk', () => {
  /** Each wait for it is held until the test lets it end. */
  function held(store: SignerStore): { waits: () => number; goOn: (most?: number) => void } {
    const durable = store.durable.bind(store);
    const waiting: (() => void)[] = [];
    store.durable = async () => {
      await new Promise<void>((resolve) => waiting.push(resolve));
      return durable();
    };
    const goOn = (most = waiting.length) => {
      for (const resolve of waiting.splice(0, most)) resolve();
    };
    return { waits: () => waiting.length, goOn };
  }

  async function until(holds: () => boolean): Promise<void> {
    for (let turns = 0; !holds(); turns += 1) {
      if (turns > 500) throw new Error('it never came to that');
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  it('has the reservation before the token is asked for anything, and the signature before anybody gets it', async () => {
    const { signer, token, store } = await bootDoomed();
    const asked: string[] = [];
    token.beforeSign = () => void asked.push('sign');
    token.beforeWrite = () => void asked.push('record');
    const disk = held(store);
    let answered = false;
    const signing = signer.sign(paying()).then((outcome) => {
      answered = true;
      return outcome.kind;
    });
    await until(() => disk.waits() === 1);
    expect(asked).toEqual([]);
    // The reservation for the signature, then once more for the record, and beside that the signature.
    disk.goOn();
    await until(() => asked.includes('sign') && disk.waits() === 2);
    expect(asked).toEqual(['sign']);
    disk.goOn(1);
    await until(() => asked.includes('record'));
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect([disk.waits(), answered]).toEqual([1, false]);
    disk.goOn();
    expect(await signing).toBe('accepted');
    powerFails();
  });

  it('that does not take a reservation ends what the signer gives out (store-not-written)', async () => {
    const { signer, token, store } = await bootDoomed();
    let asked = 0;
    token.beforeSign = () => {
      asked += 1;
    };
    const [own, other] = [paying(), paying(deployment.request({ amount: '20000' }))];
    const fault = new Fault('store-not-written', 'the disk is gone');
    store.durable = () => Promise.reject(fault);
    expect(await codeOf(signer.sign(own))).toBe('store-not-written');
    expect(await codeOf(signer.sign(own))).toBe('store-not-written');
    expect(await codeOf(signer.sign(other))).toBe('store-not-written');
    expect(asked).toBe(0);
    powerFails();
  });

  it('is written once for orders that come together', async () => {
    const { signer, store } = await bootDoomed();
    const writes: Promise<void>[] = [];
    const durable = store.durable.bind(store);
    store.durable = () => {
      const write = durable();
      writes.push(write);
      return write;
    };
    const orders = [1, 2, 3, 4].map(() => paying(deployment.request({ amount: '20000' })));
    const kinds = await Promise.all(orders.map(async (order) => (await signer.sign(order)).kind));
    expect(kinds).toEqual(['accepted', 'accepted', 'accepted', 'accepted']);
    // Signatures are looked at on other threads, so they do not come in one turn: but never one write for each.
    expect(new Set(writes.slice(0, 4)).size).toBeLessThan(4);
    powerFails();
  });
});

describe('a governance entry whose record on the token failed', () => {
  it('is in force, and sent again it is accepted as the newest, once the token covers it', async () => {
    const { signer, token } = await bootDoomed();
    const { alice, bob } = deployment;
    const entry = deployment.entry({ kind: 'request-key-removed', keyId: 'carol-desk' }, [alice, bob]);
    token.beforeWrite = () => {
      throw new Fault('transient', 'busy');
    };
    expect(await codeOf(signer.appendGovernance(entry))).toBe('transient');
    expect(await codeOf(signer.appendGovernance(entry))).toBe('transient');
    token.beforeWrite = () => undefined;
    expect(await codeOf(signer.appendGovernance(entry))).toBe('done');
    deployment.log.push(entry);
    const { anchoredSequence, journalSequence, governanceHead } = await signer.status([]);
    expect(anchoredSequence).toBe(journalSequence);
    expect(governanceHead).toBe(deployment.head);
    const other = { ...entry, body: { ...entry.body, createdAtMs: entry.body.createdAtMs + 1 } };
    expect(await codeOf(signer.appendGovernance(other))).toBe('governance-sequence');
    powerFails();
  });
});
