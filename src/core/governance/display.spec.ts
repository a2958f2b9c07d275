import { describe, expect, it } from '@jest/globals';
import { secp256k1 } from '@noble/curves/secp256k1.js';
import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js';
import { hashMessage } from 'ethers';
import { nativeVerifier } from '../../platform/native-verifier.js';
import { personalMessageDigest, portableVerifier, type SignatureVerifier } from '../statements/signature.js';
import {
  type Change,
  type Credential,
  type EntryBody,
  type EntrySignature,
  entryBytes,
  type QuorumRule,
} from './entry.js';
import {
  alice,
  bob,
  bodyAfter,
  carol,
  codeOf,
  GENESIS,
  type Genesis,
  genesisOf,
  type Key,
  signed,
  stateOf,
  whyOf,
} from './people.fixture.js';
import { replayEntry, replayGenesis } from './replay.js';

const secretOf = (byte: number) => new Uint8Array(32).fill(byte);

function deviceOf(credentialId: string, byte: number): Credential {
  const publicKey = bytesToHex(secp256k1.getPublicKey(secretOf(byte)));
  return { credentialId, credentialClass: 'device-display', algorithm: 'eip191', publicKey };
}

function shownOn(body: EntryBody, credentialId: string, byte: number): EntrySignature {
  const digest = hexToBytes(hashMessage(entryBytes(body)).slice(2));
  return { credentialId, signature: bytesToHex(secp256k1.sign(digest, secretOf(byte), { prehash: false })) };
}

/** Alice and Bob each have a device too. */
const persons = GENESIS.persons.map((person) => {
  const byte = { alice: 11, bob: 12 }[person.personId];
  const device = byte === undefined ? [] : [deviceOf(`${person.personId}-device`, byte)];
  return { ...person, credentials: [...person.credentials, ...device] };
});
const quorum: QuorumRule = { group: 'governors', threshold: 2, with: { 'device-display': 1 } };
const REMOVE: Change = { kind: 'request-key-removed', keyId: 'backend' };

function genesisWith(altered: Partial<Genesis>, ...keys: readonly Key[]) {
  const { body } = genesisOf({ persons, quorum, ...altered });
  return { body, signatures: [...signed(body, ...keys).signatures, shownOn(body, 'alice-device', 11)] };
}

const state = stateOf(replayGenesis(genesisWith({}, bob), portableVerifier));

function codeFor(
  keys: readonly Key[],
  devices: readonly (readonly [string, number])[],
  verifier: SignatureVerifier = portableVerifier,
): string {
  const body = bodyAfter(state, REMOVE);
  const signatures = [
    ...(keys.length > 0 ? signed(body, ...keys).signatures : []),
    ...devices.map(([credentialId, byte]) => shownOn(body, credentialId, byte)),
  ];
  return codeOf(replayEntry(state, { body, signatures }, verifier));
}

describe('a quorum with a display', () => {
  it.each([
    ['the portable verifier', portableVerifier],
    ['the native one', nativeVerifier],
  ])('counts who signed with a device, by %s', (_, verifier) => {
    expect(codeFor([bob], [['alice-device', 11]], verifier)).toBe('accepted');
    expect(
      codeFor(
        [],
        [
          ['alice-device', 11],
          ['bob-device', 12],
        ],
        verifier,
      ),
    ).toBe('accepted');
  });

  it('is missing its display where enough signed, and none with a device', () => {
    expect(codeFor([alice, bob, carol], [])).toBe('governance-class-missing');
  });

  it('counts one person once, whatever they signed with', () => {
    expect(codeFor([alice], [['alice-device', 11]])).toBe('governance-signer-duplicate');
    expect(codeFor([], [['alice-device', 11]])).toBe('governance-quorum-missing');
  });

  it('takes no signature of another device, nor one of a token for that of a device', () => {
    expect(codeFor([bob], [['alice-device', 12]])).toBe('governance-signature-invalid');
    const body = bodyAfter(state, REMOVE);
    const [own] = signed(body, alice).signatures;
    const [bobs] = signed(body, bob).signatures;
    if (!own || !bobs) throw new Error('no signatures');
    const claimed = { ...own, credentialId: 'alice-device' };
    expect(codeOf(replayEntry(state, { body, signatures: [bobs, claimed] }, portableVerifier))).toBe(
      'governance-signature-invalid',
    );
  });

  it('takes no signature with a high s, nor one over the digest without its prefix', () => {
    const body = bodyAfter(state, REMOVE);
    const [bobs] = signed(body, bob).signatures;
    if (!bobs) throw new Error('no signature');
    const { signature } = shownOn(body, 'alice-device', 11);
    const order = secp256k1.Point.Fn.ORDER;
    const high = (order - BigInt(`0x${signature.slice(64)}`)).toString(16).padStart(64, '0');
    const bare = secp256k1.sign(entryBytes(body), secretOf(11));
    for (const altered of [signature.slice(0, 64) + high, bytesToHex(bare)]) {
      const entry = { body, signatures: [bobs, { credentialId: 'alice-device', signature: altered }] };
      expect(codeOf(replayEntry(state, entry, portableVerifier))).toBe('governance-signature-invalid');
      expect(codeOf(replayEntry(state, entry, nativeVerifier))).toBe('governance-signature-invalid');
    }
  });

  it('is refused in a genesis that could never reach it', () => {
    const why = 'the quorum could never be reached with the classes of credentials that it asks for';
    for (const least of [2, 3]) {
      const few = persons
        .filter(({ personId }) => personId !== 'x')
        .map((person) =>
          person.personId === 'bob' ? { ...person, credentials: person.credentials.slice(0, 1) } : person,
        );
      expect(
        whyOf(
          replayGenesis(
            genesisWith({ persons: few, quorum: { ...quorum, with: { 'device-display': least } } }, bob),
            portableVerifier,
          ),
        ),
      ).toEqual(['governance-change-invalid', why, 'governors']);
    }
  });

  it('is refused with a key that is no point', () => {
    const broken = { ...deviceOf('carol-device', 13), publicKey: `02${'ff'.repeat(32)}` } as Credential;
    const withBroken = persons.map((person) =>
      person.personId === 'carol' ? { ...person, credentials: [...person.credentials, broken] } : person,
    );
    expect(whyOf(replayGenesis(genesisWith({ persons: withBroken }, bob), portableVerifier))).toEqual([
      'governance-change-invalid',
      'a credential has a public key that is no point of its curve',
      'carol-device',
    ]);
  });
});

describe('the digest of a personal message', () => {
  it('is the one that wallets compute', () => {
    for (const text of ['', 'hello', 'x'.repeat(1_000)]) {
      expect(bytesToHex(personalMessageDigest(new TextEncoder().encode(text)))).toBe(
        hashMessage(text).slice(2),
      );
    }
  });
});
