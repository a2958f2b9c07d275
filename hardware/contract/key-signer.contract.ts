// What every KeySigner must do, as one suite: an adapter is done when it passes this against a real token. The suite
// knows the port and raw PKCS#11 (to act behind the adapter's back); it knows no adapter and no vendor.
//
// Not a test file by itself: *.integration.spec.ts under test/ runs it with the parts of a machine.

import { randomBytes } from 'node:crypto';
import { inspect } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import pkcs11js, { type Handle } from 'pkcs11js';
import type { KeyCurve, KeyDescription, KeySigner, TokenRecord } from '../key-signer.js';
import { decodeRecord, encodeRecord } from '../pkcs11/record-format.js';
import {
  bytesOf,
  digestOf,
  eventually,
  expectFault,
  expectVerified,
  find,
  generateEd25519,
  recordObjects,
  importPrivateKey,
  rejectionOf,
  verifies,
} from './outside.contract.js';

/** One opened adapter, and what can be done behind its back in the process that holds its sessions. */
export interface OpenedSigner {
  readonly signer: KeySigner;
  closeAllSessions(): Promise<void>;
  logOut(): Promise<void>;
  /** Puts another PIN where the adapter reads it. */
  replacePin(pin: string): Promise<void>;
}

/** A token of its own, with a user PIN, and ways to get at it from outside. */
export interface ContractBench {
  readonly label: string;
  readonly pin: string;
  open(options?: { pin?: string; tokenLabel?: string }): Promise<OpenedSigner>;
  /** Runs on the token in a logged-in session that is not the adapter's. */
  outside<T>(work: (api: pkcs11js.PKCS11, session: Handle) => T): Promise<T>;
  hideToken(): Promise<void>;
  showToken(): Promise<void>;
  dispose(): Promise<void>;
}

const SESSIONS = 4;
export const CONTRACT_SESSIONS = SESSIONS;
const CURVES: readonly KeyCurve[] = ['secp256k1', 'p256', 'ed25519'];
/** Of the keys that sign digests. */
const DIGEST_CURVES: readonly KeyCurve[] = ['secp256k1', 'p256'];
/** An adapter may pause after a failure; a PIN must stay refused beyond that. */
const LONGER_THAN_ANY_PAUSE_MS = 2_500;

export function keySignerContract(name: string, setUp: () => Promise<ContractBench>): void {
  describe(`${name}, as every key signer`, () => {
    let bench: ContractBench;
    const opened: KeySigner[] = [];
    const keys = {} as Record<KeyCurve, KeyDescription>;

    const open = async (options?: { pin?: string; tokenLabel?: string }): Promise<OpenedSigner> => {
      const one = await bench.open(options);
      opened.push(one.signer);
      return one;
    };

    beforeAll(async () => {
      bench = await setUp();
      const { signer } = await bench.open();
      for (const curve of CURVES) keys[curve] = await signer.generateKey(`wallet-${curve}`, curve);
      await signer.close();
    });
    afterEach(async () => {
      for (const signer of opened.splice(0)) await signer.close();
    });
    afterAll(async () => {
      await bench.dispose();
    });

    describe('keys', () => {
      it.each(DIGEST_CURVES)('signs a digest on %s so that others can verify it', async (curve) => {
        const { signer } = await open();
        const message = randomBytes(40);
        expectVerified(
          keys[curve],
          message,
          await signer.signDigest({ label: `wallet-${curve}` }, digestOf(message)),
        );
      });

      it('signs 64 digests at once with two keys, each signature for its own digest', async () => {
        const { signer } = await open();
        await Promise.all(
          Array.from({ length: 64 }, async (_, at) => {
            const curve: KeyCurve = at % 2 === 0 ? 'secp256k1' : 'p256';
            const message = Buffer.from(`message ${at}`);
            const digest = digestOf(message);
            const signing = signer.signDigest({ label: `wallet-${curve}` }, digest);
            expectVerified(keys[curve], message, await signing);
          }),
        );
        expect((await signer.status()).sessionsOpen).toBe(SESSIONS);
      });

      it('describes a key that was made in the token as such', async () => {
        const { signer } = await open();
        for (const curve of CURVES) {
          expect(await signer.describeKey({ label: `wallet-${curve}`, id: keys[curve].id })).toEqual({
            label: `wallet-${curve}`,
            id: keys[curve].id,
            curve,
            publicKey: keys[curve].publicKey,
            unextractable: true,
            bornInToken: true,
          });
        }
      });

      it('describes a key that was brought from outside as such', async () => {
        await bench.outside((api, session) =>
          importPrivateKey(api, session, 'brought', '0a', { sensitive: true }),
        );
        const { signer } = await open();
        expect(await signer.describeKey({ label: 'brought' })).toMatchObject({
          curve: 'secp256k1',
          unextractable: true,
          bornInToken: false,
        });
      });

      it('describes a key that the token would reveal as such', async () => {
        await bench.outside((api, session) =>
          importPrivateKey(api, session, 'open', '0b', { sensitive: false }),
        );
        const { signer } = await open();
        expect(await signer.describeKey({ label: 'open' })).toMatchObject({ unextractable: false });
      });

      it('refuses key-missing when the label or the id fits no key', async () => {
        const { signer } = await open();
        await expectFault(signer.describeKey({ label: 'nobody' }), 'key-missing');
        await expectFault(signer.signDigest({ label: 'nobody' }, digestOf(Buffer.alloc(1))), 'key-missing');
        await expectFault(signer.signDigest({ label: '' }, digestOf(Buffer.alloc(1))), 'key-missing');
        await expectFault(signer.describeKey({ label: 'wallet-p256', id: keys.secp256k1.id }), 'key-missing');
      });

      it('refuses key-duplicate when two keys share a label, and takes the one whose id is given', async () => {
        await bench.outside((api, session) => {
          importPrivateKey(api, session, 'twin', '01', { sensitive: true });
          importPrivateKey(api, session, 'twin', '02', { sensitive: true });
        });
        const { signer } = await open();
        await expectFault(signer.describeKey({ label: 'twin' }), 'key-duplicate');
        await expectFault(signer.signDigest({ label: 'twin' }, digestOf(Buffer.alloc(1))), 'key-duplicate');
        expect(await signer.describeKey({ label: 'twin', id: '02' })).toMatchObject({ id: '02' });
      });

      it('refuses key-duplicate when a key is to be made under a label that is taken', async () => {
        const { signer } = await open();
        await expectFault(signer.generateKey('wallet-p256', 'p256'), 'key-duplicate');
      });

      it.each([0, 31, 33, 64])('refuses mechanism when the digest has %i bytes', async (length) => {
        const { signer } = await open();
        await expectFault(signer.signDigest({ label: 'wallet-p256' }, Buffer.alloc(length)), 'mechanism');
      });

      it('signs with a key that wants the PIN for every signature', async () => {
        await bench.outside((api, session) =>
          importPrivateKey(api, session, 'careful', '0c', { sensitive: true, authenticateAlways: true }),
        );
        const { signer } = await open();
        const description = await signer.describeKey({ label: 'careful' });
        for (const message of [Buffer.from('one'), Buffer.from('two')]) {
          expectVerified(
            description,
            message,
            await signer.signDigest({ label: 'careful' }, digestOf(message)),
          );
        }
      });
    });

    describe('messages', () => {
      const KEY = { label: 'wallet-ed25519' };

      it('tells the public key of RFC 8032', async () => {
        const { signer } = await open();
        expect((await signer.describeKey(KEY)).publicKey).toMatch(/^[0-9a-f]{64}$/);
      });

      it.each([1, 31, 32, 33, 64, 1_000, 4_096])(
        'signs one of %i bytes as it is, and no other verifies',
        async (length) => {
          const { signer } = await open();
          const message = randomBytes(length);
          const signature = await signer.signMessage(KEY, message);
          expectVerified(keys.ed25519, message, signature);
          expect(verifies(keys.ed25519, digestOf(message), signature)).toBe(false);
          expect(verifies(keys.ed25519, Buffer.concat([message, Buffer.alloc(1)]), signature)).toBe(false);
          for (const at of [0, length - 1]) {
            const tampered = Buffer.from(message);
            tampered[at] = (tampered[at] ?? 0) ^ 1;
            expect(verifies(keys.ed25519, tampered, signature)).toBe(false);
          }
        },
      );

      it('signs a short one after a long one, and nothing of the long one', async () => {
        const { signer } = await open();
        for (let at = 0; at < SESSIONS * 2; at += 1) await signer.signMessage(KEY, randomBytes(4_096));
        for (let at = 0; at < SESSIONS * 2; at += 1) {
          const message = Buffer.from(`short ${at}`);
          expectVerified(keys.ed25519, message, await signer.signMessage(KEY, message));
        }
      });

      it('signs 32 at once beside digests, each signature for its own', async () => {
        const { signer } = await open();
        await Promise.all(
          Array.from({ length: 64 }, async (_, at) => {
            const message = Buffer.from(`message ${at} `.repeat(at + 1));
            const curve: KeyCurve = at % 2 === 0 ? 'ed25519' : 'secp256k1';
            const signing =
              curve === 'ed25519'
                ? signer.signMessage(KEY, message)
                : signer.signDigest({ label: 'wallet-secp256k1' }, digestOf(message));
            expectVerified(keys[curve], message, await signing);
          }),
        );
        expect((await signer.status()).sessionsOpen).toBe(SESSIONS);
      });

      it('signs what it was given, also when the caller writes over it meanwhile', async () => {
        const { signer } = await open();
        await signer.status();
        const message = Buffer.from('as it was');
        const signing = signer.signMessage(KEY, message);
        message.fill(0);
        expectVerified(keys.ed25519, Buffer.from('as it was'), await signing);
      });

      it('signs with a key that another program has made, which wants the PIN for every signature', async () => {
        await bench.outside((api, session) => generateEd25519(api, session, 'by-name', '0f'));
        const { signer } = await open();
        const description = await signer.describeKey({ label: 'by-name' });
        expect(description).toMatchObject({ curve: 'ed25519', id: '0f', bornInToken: true });
        for (const message of [Buffer.from('one'), Buffer.from('two')]) {
          expectVerified(description, message, await signer.signMessage({ label: 'by-name' }, message));
        }
      });

      it.each([0, 4_097])('refuses mechanism for one of %i bytes', async (length) => {
        const { signer } = await open();
        await expectFault(signer.signMessage(KEY, Buffer.alloc(length)), 'mechanism');
      });

      it.each(DIGEST_CURVES)(
        'refuses mechanism with a key on %s, which then signs digests as before',
        async (curve) => {
          const { signer } = await open();
          const key = { label: `wallet-${curve}` };
          const message = randomBytes(32);
          for (let at = 0; at <= SESSIONS; at += 1) {
            await expectFault(signer.signMessage(key, message), 'mechanism');
          }
          expectVerified(keys[curve], message, await signer.signDigest(key, digestOf(message)));
        },
      );

      it('are all that its key signs: a digest is refused (mechanism), and the key signs messages as before', async () => {
        const { signer } = await open();
        const message = randomBytes(32);
        for (let at = 0; at <= SESSIONS; at += 1) {
          await expectFault(signer.signDigest(KEY, message), 'mechanism');
        }
        expectVerified(keys.ed25519, message, await signer.signMessage(KEY, message));
      });

      it('refuses key-missing and key-duplicate as for digests', async () => {
        const { signer } = await open();
        await expectFault(signer.signMessage({ label: 'nobody' }, Buffer.alloc(1)), 'key-missing');
        await expectFault(signer.signMessage({ label: '' }, Buffer.alloc(1)), 'key-missing');
        await expectFault(signer.generateKey('wallet-ed25519', 'ed25519'), 'key-duplicate');
      });
    });

    describe('records', () => {
      it('answers undefined when there is no record', async () => {
        const { signer } = await open();
        expect(await signer.readRecord('never-written')).toBeUndefined();
      });

      it('keeps a record for the next adapter, and replaces it by a newer one only', async () => {
        const { signer } = await open();
        await signer.writeRecord('head', { version: 1n, value: Buffer.from('one') });
        await signer.writeRecord('head', { version: 7n, value: Buffer.from('seven') });
        await expectFault(
          signer.writeRecord('head', { version: 6n, value: Buffer.from('six') }),
          'record-stale',
        );
        await expectFault(
          signer.writeRecord('head', { version: 7n, value: Buffer.from('SEVEN') }),
          'record-stale',
        );
        const next = await open();
        expect(await next.signer.readRecord('head')).toEqual({ version: 7n, value: bytesOf('seven') });
      });

      it('leaves at most two objects on the token, however often it is written', async () => {
        const { signer } = await open();
        await plantRecord('often', 1n, 'one');
        for (let version = 2n; version <= 9n; version += 1n) {
          const value = Buffer.from(`value ${version}`);
          await signer.writeRecord('often', { version, value });
          expect(await signer.readRecord('often')).toEqual({ version, value: Uint8Array.from(value) });
          expect(await countRecords('often')).toBeLessThanOrEqual(2);
        }
      });

      it('goes on from the record before when the newest is lost, as by a power failure in the middle of it', async () => {
        const { signer } = await open();
        const [one, two, three] = [1n, 2n, 3n].map((version) => ({
          version,
          value: bytesOf(`value ${version}`),
        })) as [TokenRecord, TokenRecord, TokenRecord];
        await signer.writeRecord('torn', one);
        await signer.writeRecord('torn', two, one);
        await bench.outside((api, session) => {
          for (const handle of recordObjects(api, session, 'torn')) {
            const [label] = api.C_GetAttributeValue(session, handle, [{ type: pkcs11js.CKA_LABEL }]);
            const { version } = decodeRecord('torn', Buffer.from(String(label?.value), 'base64'));
            if (version === 2n) api.C_DestroyObject(session, handle);
          }
        });
        expect(await signer.readRecord('torn')).toEqual(one);
        await expectFault(signer.writeRecord('torn', three, two), 'record-changed');
        await signer.writeRecord('torn', two, one);
        await signer.writeRecord('torn', three, two);
        expect(await signer.readRecord('torn')).toEqual(three);
      });

      it('replaces only what it was told to replace, and leaves anything else as it is (record-changed)', async () => {
        const { signer } = await open();
        const [one, two, three] = [1n, 2n, 3n].map((version) => ({
          version,
          value: bytesOf(`value ${version}`),
        })) as [TokenRecord, TokenRecord, TokenRecord];
        await expectFault(signer.writeRecord('seen', two, one), 'record-changed');
        await signer.writeRecord('seen', one);
        await signer.writeRecord('seen', two, one);
        await expectFault(signer.writeRecord('seen', three, one), 'record-changed');
        const otherValue = { version: 2n, value: bytesOf('value of somebody else') };
        await expectFault(signer.writeRecord('seen', three, otherValue), 'record-changed');
        expect(await signer.readRecord('seen')).toEqual(two);
        // Its answer was lost, and it is asked for again.
        await signer.writeRecord('seen', two, one);
        await signer.writeRecord('seen', three, two);
        expect(await signer.readRecord('seen')).toEqual(three);
      });

      it('accepts exactly the record that is there once more', async () => {
        const { signer } = await open();
        await signer.writeRecord('again', { version: 1n, value: Buffer.from('one') });
        await signer.writeRecord('again', { version: 1n, value: Buffer.from('one') });
        expect(await signer.readRecord('again')).toEqual({ version: 1n, value: bytesOf('one') });
      });

      it('reads the newest of two that a crash left behind, and removes the older', async () => {
        await plantRecord('crashed', 4n, 'old');
        await plantRecord('crashed', 5n, 'new');
        const { signer } = await open();
        expect(await signer.readRecord('crashed')).toEqual({ version: 5n, value: bytesOf('new') });
        expect(await countRecords('crashed')).toBe(1);
      });

      it('refuses record-duplicate when two records of one version differ', async () => {
        await plantRecord('split', 4n, 'this');
        await plantRecord('split', 4n, 'that');
        const { signer } = await open();
        await expectFault(signer.readRecord('split'), 'record-duplicate');
        await expectFault(
          signer.writeRecord('split', { version: 5n, value: Buffer.alloc(1) }),
          'record-duplicate',
        );
        expect(await countRecords('split')).toBe(2);
      });

      it('refuses record-malformed when a record was cut short, also beside a good one', async () => {
        const whole = encodeRecord('cut', { version: 9n, value: Buffer.from('value') });
        await plant('cut', whole.subarray(0, whole.length - 3));
        await plantRecord('cut', 8n, 'good');
        const { signer } = await open();
        await expectFault(signer.readRecord('cut'), 'record-malformed');
        await expectFault(
          signer.writeRecord('cut', { version: 10n, value: Buffer.alloc(1) }),
          'record-malformed',
        );
      });

      it('refuses record-malformed when the record was stored under another name', async () => {
        await plant('moved', encodeRecord('elsewhere', { version: 1n, value: Buffer.alloc(3) }));
        const { signer } = await open();
        await expectFault(signer.readRecord('moved'), 'record-malformed');
      });

      it('takes 1,024 bytes and refuses record-too-large for one more', async () => {
        const { signer } = await open();
        const value = Uint8Array.from(randomBytes(1024));
        await signer.writeRecord('large', { version: 2n ** 64n - 1n, value });
        expect(await signer.readRecord('large')).toEqual({ version: 2n ** 64n - 1n, value });
        await expectFault(
          signer.writeRecord('larger', { version: 1n, value: Buffer.alloc(1025) }),
          'record-too-large',
        );
      });

      it('writes records and signs at the same time', async () => {
        const { signer } = await open();
        const message = Buffer.from('meanwhile');
        await Promise.all([
          (async () => {
            for (let version = 1n; version <= 20n; version += 1n) {
              await signer.writeRecord('busy', { version, value: Buffer.from(`${version}`) });
            }
          })(),
          ...Array.from({ length: 40 }, async () => {
            const signature = await signer.signDigest({ label: 'wallet-secp256k1' }, digestOf(message));
            expectVerified(keys.secp256k1, message, signature);
          }),
        ]);
        expect(await signer.readRecord('busy')).toEqual({ version: 20n, value: bytesOf('20') });
      });
    });

    describe('what comes back by itself', () => {
      const behindItsBack: readonly ['closeAllSessions' | 'logOut', string][] = [
        ['closeAllSessions', 'all sessions were closed'],
        ['logOut', 'the login was dropped'],
      ];

      it.each(behindItsBack)('signs 16 at once after %s: %s behind its back', async (what) => {
        const one = await open();
        const message = Buffer.from(what);
        await one.signer.signDigest({ label: 'wallet-secp256k1' }, digestOf(message));
        for (let round = 0; round < 3; round += 1) {
          await one[what]();
          await Promise.all(
            Array.from({ length: 16 }, async () => {
              const signature = await one.signer.signDigest({ label: 'wallet-secp256k1' }, digestOf(message));
              expectVerified(keys.secp256k1, message, signature);
            }),
          );
        }
        expect(await one.signer.status()).toMatchObject({ loggedIn: true, sessionsOpen: SESSIONS });
      });

      it.each(behindItsBack)(
        'finds keys and records that it never looked up before, after %s',
        async (what) => {
          await plantRecord(`kept-${what}`, 3n, 'kept');
          const one = await open();
          await one.signer.status();
          await one[what]();
          expect(await one.signer.readRecord(`kept-${what}`)).toEqual({
            version: 3n,
            value: bytesOf('kept'),
          });
          await one[what]();
          await one.signer.writeRecord(`kept-${what}`, { version: 4n, value: Buffer.from('newer') });
          await one[what]();
          expect(await one.signer.describeKey({ label: 'wallet-p256' })).toMatchObject({ curve: 'p256' });
          await one[what]();
          const message = Buffer.from(what);
          const signature = await one.signer.signMessage({ label: 'wallet-ed25519' }, message);
          expectVerified(keys.ed25519, message, signature);
          await one[what]();
          await expectFault(one.signer.generateKey('wallet-p256', 'p256'), 'key-duplicate');
        },
      );

      it('looks a key up again when its handle died', async () => {
        await bench.outside((api, session) =>
          importPrivateKey(api, session, 'reborn', '0d', { sensitive: true }),
        );
        const { signer } = await open();
        const message = Buffer.from('reborn');
        await Promise.all(
          Array.from({ length: 8 }, () => signer.signDigest({ label: 'reborn' }, digestOf(message))),
        );
        await bench.outside((api, session) => {
          for (const objectClass of [pkcs11js.CKO_PRIVATE_KEY, pkcs11js.CKO_PUBLIC_KEY]) {
            for (const handle of find(api, session, objectClass, 'reborn'))
              api.C_DestroyObject(session, handle);
          }
          importPrivateKey(api, session, 'reborn', '0e', { sensitive: true });
        });
        const description = await signer.describeKey({ label: 'reborn', id: '0e' });
        for (let at = 0; at < 8; at += 1) {
          expectVerified(
            description,
            message,
            await signer.signDigest({ label: 'reborn' }, digestOf(message)),
          );
        }
      });

      it('refuses token-gone while the token is away, never "no such key" or "no record", and serves when it is back', async () => {
        await plantRecord('away', 1n, 'here');
        const { signer } = await open();
        const message = Buffer.from('away');
        await signer.signDigest({ label: 'wallet-secp256k1' }, digestOf(message));
        await bench.hideToken();
        try {
          await expectFault(signer.readRecord('away'), 'token-gone');
          await expectFault(signer.describeKey({ label: 'nobody' }), 'token-gone');
          await expectFault(
            signer.signDigest({ label: 'wallet-secp256k1' }, digestOf(message)),
            'token-gone',
          );
          await expectFault(signer.status(), 'token-gone');
        } finally {
          await bench.showToken();
        }
        const signature = await eventually(() =>
          signer.signDigest({ label: 'wallet-secp256k1' }, digestOf(message)),
        );
        expectVerified(keys.secp256k1, message, signature);
        expect(await signer.readRecord('away')).toEqual({ version: 1n, value: bytesOf('here') });
      });
    });

    describe('what does not', () => {
      it('refuses login-failed when the PIN is wrong, and never tries again by itself', async () => {
        const wrong = await open({ pin: '000000' });
        await expectFault(wrong.signer.status(), 'login-failed');
        // Were it to try once more, it would now succeed.
        await wrong.replacePin(bench.pin);
        await new Promise((resolve) => setTimeout(resolve, LONGER_THAN_ANY_PAUSE_MS));
        await expectFault(wrong.signer.status(), 'login-failed');
        await expectFault(
          wrong.signer.signDigest({ label: 'wallet-p256' }, Buffer.alloc(32)),
          'login-failed',
        );
        const right = await open();
        expect(await right.signer.status()).toMatchObject({ loggedIn: true });
      });

      it('says nothing of the PIN when it refuses one', async () => {
        const { signer } = await open({ pin: 'very-wrong-pin' });
        const fault = await rejectionOf(signer.status());
        expect(inspect(fault, { depth: 10, showHidden: true })).not.toContain('very-wrong-pin');
      });

      it('refuses token-gone when no token has the label', async () => {
        const { signer } = await open({ tokenLabel: 'no-such-token' });
        await expectFault(signer.status(), 'token-gone');
      });

      it('refuses closed after it was closed', async () => {
        const { signer } = await open();
        await signer.status();
        await signer.close();
        await expectFault(signer.status(), 'closed');
        await expectFault(signer.signDigest({ label: 'wallet-p256' }, Buffer.alloc(32)), 'closed');
        await expectFault(signer.signMessage({ label: 'wallet-ed25519' }, Buffer.alloc(32)), 'closed');
        await signer.close();
      });
    });

    async function plantRecord(recordName: string, version: bigint, value: string): Promise<void> {
      await plant(recordName, encodeRecord(recordName, { version, value: Buffer.from(value) }));
    }

    async function plant(recordName: string, value: Buffer): Promise<void> {
      await bench.outside((api, session) =>
        api.C_CreateObject(session, [
          { type: pkcs11js.CKA_CLASS, value: pkcs11js.CKO_DATA },
          { type: pkcs11js.CKA_TOKEN, value: true },
          { type: pkcs11js.CKA_PRIVATE, value: true },
          { type: pkcs11js.CKA_LABEL, value: recordName },
          { type: pkcs11js.CKA_VALUE, value },
        ]),
      );
    }

    async function countRecords(recordName: string): Promise<number> {
      return await bench.outside((api, session) => recordObjects(api, session, recordName).length);
    }
  });
}
