// What the signer asks of a wallet's keys before it serves, on a real token: the very code that runs at its start.

import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import pkcs11js, { type Handle } from 'pkcs11js';
import * as secp256k1 from 'tiny-secp256k1';
import { BITCOIN } from '../../devnet/deployment.js';
import { find, importPrivateKey } from '../../hardware/contract/outside.contract.js';
import type { KeyDescription } from '../../hardware/key-signer.js';
import { Fault } from '../../src/core/fault.js';
import type { Wallet } from '../../src/core/governance/entry.js';
import type { GovernanceState } from '../../src/core/governance/state.js';
import { checkWallet, describeWallets, type Token } from '../../src/signer/self-check.js';
import { inProcessBench, type SoftHsmBench } from '../hardware/softhsm-bench.js';

/** DER of the OID of secp256k1. */
const SECP256K1 = Buffer.from('06052b8104000a', 'hex');

let bench: SoftHsmBench;
let tokens: ReadonlyMap<string, Token>;
let born: KeyDescription;

beforeAll(async () => {
  bench = await inProcessBench('treasury');
  const { signer } = await bench.open();
  born = await signer.generateKey('born', 'secp256k1');
  await signer.generateKey('officer', 'p256');
  await signer.generateKey('messages', 'ed25519');
  await signer.generateKey('swapped', 'secp256k1');
  tokens = new Map([['treasury', { signer, serial: (await signer.status()).serial }]]);
});
afterAll(async () => {
  for (const { signer } of tokens.values()) await signer.close();
  await bench.dispose();
});

function compressed(point: string): string {
  return Buffer.from(secp256k1.pointCompress(Buffer.from(point, 'hex'), true)).toString('hex');
}

function wallet(label: string, publicKey: string, token = 'treasury'): Wallet {
  return { walletId: 'hot-btc', chain: BITCOIN, tier: 'hot', token, keys: [{ label, publicKey }] };
}

async function describedAs(label: string): Promise<string> {
  const description = await tokens.get('treasury')?.signer.describeKey({ label });
  return compressed(description?.publicKey ?? '');
}

function codeOf(check: Promise<unknown>): Promise<string> {
  return check.then(
    () => 'passed',
    (error: unknown) => (error instanceof Fault ? error.code : String(error)),
  );
}

/** Puts another public key object in the place of a key's own, as somebody with the PIN could. */
function swapPublicKey(api: pkcs11js.PKCS11, session: Handle, label: string): void {
  const [own] = find(api, session, pkcs11js.CKO_PUBLIC_KEY, label);
  if (own === undefined) throw new Error('the pair has no public key object');
  const [id] = api.C_GetAttributeValue(session, own, [{ type: pkcs11js.CKA_ID }]);
  api.C_DestroyObject(session, own);
  const point = secp256k1.pointFromScalar(Buffer.concat([Buffer.from([1]), randomBytes(31)]), false);
  if (point === null) throw new Error('not a scalar');
  api.C_CreateObject(session, [
    { type: pkcs11js.CKA_CLASS, value: pkcs11js.CKO_PUBLIC_KEY },
    { type: pkcs11js.CKA_KEY_TYPE, value: pkcs11js.CKK_EC },
    { type: pkcs11js.CKA_TOKEN, value: true },
    { type: pkcs11js.CKA_LABEL, value: label },
    { type: pkcs11js.CKA_ID, value: id?.value as Buffer },
    { type: pkcs11js.CKA_EC_PARAMS, value: SECP256K1 },
    { type: pkcs11js.CKA_EC_POINT, value: Buffer.concat([Buffer.from([0x04, 65]), point]) },
  ]);
}

describe("the self-check of a wallet's keys", () => {
  it('passes for a key that was made in the token and cannot leave it', async () => {
    expect(await codeOf(checkWallet(wallet('born', compressed(born.publicKey)), tokens))).toBe('passed');
  });

  it('refuses a key that is not the one of governance (key-other-public-key)', async () => {
    expect(await codeOf(checkWallet(wallet('swapped', compressed(born.publicKey)), tokens))).toBe(
      'key-other-public-key',
    );
  });

  it('refuses a key that the token would reveal (key-extractable)', async () => {
    await bench.outside((api, session) =>
      importPrivateKey(api, session, 'revealed', '0a', { sensitive: false }),
    );
    expect(await codeOf(checkWallet(wallet('revealed', await describedAs('revealed')), tokens))).toBe(
      'key-extractable',
    );
  });

  it('refuses a key that was brought from outside (key-not-born-in-token)', async () => {
    await bench.outside((api, session) =>
      importPrivateKey(api, session, 'imported', '0b', { sensitive: true }),
    );
    expect(await codeOf(checkWallet(wallet('imported', await describedAs('imported')), tokens))).toBe(
      'key-not-born-in-token',
    );
  });

  it('refuses a key that signs messages (key-other-curve)', async () => {
    expect(await codeOf(checkWallet(wallet('messages', compressed(born.publicKey)), tokens))).toBe(
      'key-other-curve',
    );
  });

  it('refuses a key of the curve that officers use (key-other-curve)', async () => {
    expect(await codeOf(checkWallet(wallet('officer', compressed(born.publicKey)), tokens))).toBe(
      'key-other-curve',
    );
  });

  it.each(['officer', 'messages'])(
    'refuses to tell an address of the key "%s" (key-other-curve)',
    async (label) => {
      const state = {
        wallets: new Map([['hot-btc', wallet(label, compressed(born.publicKey))]]),
        chains: new Map(),
      } as unknown as GovernanceState;
      expect(await codeOf(describeWallets(state, tokens))).toBe('key-other-curve');
    },
  );

  it('refuses a key whose public key on the token is another, once it signs (key-does-not-sign)', async () => {
    await bench.outside((api, session) => swapPublicKey(api, session, 'swapped'));
    expect(await codeOf(checkWallet(wallet('swapped', await describedAs('swapped')), tokens))).toBe(
      'key-does-not-sign',
    );
  });

  it('refuses a wallet whose key or token is not there (key-missing, token-unknown)', async () => {
    expect(await codeOf(checkWallet(wallet('nobody', compressed(born.publicKey)), tokens))).toBe(
      'key-missing',
    );
    expect(await codeOf(checkWallet(wallet('born', compressed(born.publicKey), 'safu'), tokens))).toBe(
      'token-unknown',
    );
  });
});
