import { describe, expect, it } from '@jest/globals';
import { nativeVerifier } from '../../platform/native-verifier.js';
import { passkeySignature } from '../../sdk/passkeys.js';
import { type Altered, aPasskey, type Passkey } from '../statements/passkey.fixture.js';
import { portableVerifier, type SignatureVerifier } from '../statements/signature.js';
import {
  type Change,
  type Credential,
  credential,
  type EntryBody,
  type EntrySignature,
  entryBytes,
  entrySignature,
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
  signed,
  stateOf,
  whyOf,
} from './people.fixture.js';
import { replayEntry, replayGenesis } from './replay.js';
import { wordsOfChange } from './words.js';

const REMOVE: Change = { kind: 'request-key-removed', keyId: 'backend' };

function credentialOf(credentialId: string, { key }: Passkey, altered: object = {}): Credential {
  const algorithm = 'webauthn-es256';
  return credential.parse({ credentialId, credentialClass: 'passkey', algorithm, ...key, ...altered });
}

const alices = aPasskey();
const bobs = aPasskey({ backupEligible: true });
const own: Readonly<Record<string, Credential>> = {
  alice: credentialOf('alice-passkey', alices),
  bob: credentialOf('bob-passkey', bobs),
};
const persons = GENESIS.persons.map((person) => {
  const passkey = own[person.personId];
  return { ...person, credentials: [...person.credentials, ...(passkey ? [passkey] : [])] };
});

const genesisWith = (altered: Partial<Genesis> = {}) => genesisOf({ persons, ...altered }, alice, bob);
const state = stateOf(replayGenesis(genesisWith(), portableVerifier));

function by(passkey: Passkey, credentialId: string, body: EntryBody, altered: Altered = {}): EntrySignature {
  const signature = passkeySignature(passkey.assertion(entryBytes(body), altered));
  return entrySignature.parse({ credentialId, signature });
}

function codeFor(
  sign: (body: EntryBody) => readonly EntrySignature[],
  verifier: SignatureVerifier = portableVerifier,
  from = state,
): string {
  const body = bodyAfter(from, REMOVE);
  return codeOf(replayEntry(from, { body, signatures: [...sign(body)] }, verifier));
}

describe('a quorum with passkeys', () => {
  it.each([
    ['the portable verifier', portableVerifier],
    ['the native one', nativeVerifier],
  ])('counts the persons who signed with them, by %s', (_, verifier) => {
    expect(
      codeFor((body) => [by(alices, 'alice-passkey', body), by(bobs, 'bob-passkey', body)], verifier),
    ).toBe('accepted');
    expect(
      codeFor((body) => [by(alices, 'alice-passkey', body), ...signed(body, bob).signatures], verifier),
    ).toBe('accepted');
  });

  it('counts one person once, whatever they signed with', () => {
    expect(codeFor((body) => [by(alices, 'alice-passkey', body), ...signed(body, alice).signatures])).toBe(
      'governance-signer-duplicate',
    );
    expect(codeFor((body) => [by(alices, 'alice-passkey', body)])).toBe('governance-quorum-missing');
  });

  it('lacks its display where it asks for one: a passkey shows nothing', () => {
    const quorum = { group: 'governors', threshold: 2, with: { 'device-display': 1 } } as const;
    const asking = { ...state, quorum };
    expect(
      codeFor(
        (body) => [by(alices, 'alice-passkey', body), by(bobs, 'bob-passkey', body)],
        portableVerifier,
        asking,
      ),
    ).toBe('governance-class-missing');
    expect(whyOf(replayGenesis(genesisWith({ quorum }), portableVerifier))).toEqual([
      'governance-change-invalid',
      'the quorum could never be reached with the classes of credentials that it asks for',
      'governors',
    ]);
  });

  it('takes no signature of another passkey, entry or origin', () => {
    const other = { ...bodyAfter(state, REMOVE), createdAtMs: 7 };
    const lies: ((body: EntryBody) => EntrySignature)[] = [
      (body) => by(bobs, 'alice-passkey', body),
      () => by(alices, 'alice-passkey', other),
      (body) => by(alices, 'alice-passkey', body, { origin: 'https://evil.example' }),
      (body) => by(alices, 'alice-passkey', body, { flags: 0x01 }),
    ];
    for (const lie of lies) {
      expect(codeFor((body) => [lie(body), ...signed(body, bob).signatures])).toBe(
        'governance-signature-invalid',
      );
    }
  });

  it('takes no signature of a token for that of a passkey, nor the other way round', () => {
    const renamed = (one: EntrySignature | undefined, credentialId: string) => [
      { credentialId, signature: one?.signature ?? '' },
    ];
    expect(codeFor((body) => renamed(signed(body, alice).signatures[0], 'alice-passkey'))).toBe(
      'governance-signature-invalid',
    );
    const asToken = (body: EntryBody) => renamed(by(alices, 'alice-passkey', body), 'alice-1');
    expect(codeFor(asToken)).toBe('governance-signature-invalid');
    expect(codeFor(asToken, nativeVerifier)).toBe('governance-signature-invalid');
  });

  it('a freeze key signs as no passkey does', () => {
    const freezeKey = {
      keyId: 'watcher',
      algorithm: 'ed25519',
      publicKey: '58'.padEnd(64, '6'),
      holder: 'it',
    } as const;
    const added = bodyAfter(state, { kind: 'freeze-key-added', freezeKey });
    const frozen = stateOf(replayEntry(state, signed(added, alice, bob), portableVerifier));
    const body = bodyAfter(frozen, { kind: 'frozen', scope: { kind: 'everything' }, why: 'drill' });
    expect(
      codeOf(replayEntry(frozen, { body, signatures: [by(alices, 'watcher', body)] }, portableVerifier)),
    ).toBe('governance-signature-invalid');
  });
});

describe('a passkey in the roster', () => {
  const added = (one: Credential): Change => ({
    kind: 'credential-added',
    personId: 'carol',
    credential: one,
  });
  const next = (change: Change, from = state) =>
    replayEntry(from, signed(bodyAfter(from, change), alice, bob), portableVerifier);

  it('is said in full when it is added, and counts no more when it was removed', () => {
    const carols = aPasskey();
    const withIt = stateOf(next(added(credentialOf('carol-passkey', carols))));
    expect(JSON.stringify(wordsOfChange(state, withIt))).toContain(
      'carol-passkey (passkey of exchange.example, used at https://officers.exchange.example, stays in one device)',
    );
    const sign = (body: EntryBody) => [by(carols, 'carol-passkey', body), ...signed(body, bob).signatures];
    expect(codeFor(sign, portableVerifier, withIt)).toBe('accepted');
    const without = stateOf(next({ kind: 'credential-removed', credentialId: 'carol-passkey' }, withIt));
    expect(codeFor(sign, portableVerifier, without)).toBe('governance-signer-unknown');
    expect(codeOf(next(added(credentialOf('carol-again', carols)), without))).toBe(
      'governance-change-invalid',
    );
  });

  it('that may be copied is said so', () => {
    const withIt = stateOf(next(added(credentialOf('carol-passkey', aPasskey({ backupEligible: true })))));
    expect(JSON.stringify(wordsOfChange(state, withIt))).toContain('MAY BE COPIED between devices');
  });

  it('as the last credential of a person is not removed, and serves as the only one', () => {
    const only = persons.map((person) =>
      person.personId === 'alice' ? { ...person, credentials: [own.alice as Credential] } : person,
    );
    const body = genesisOf({ persons: only }).body;
    const alone = stateOf(
      replayGenesis(
        { body, signatures: [by(alices, 'alice-passkey', body), ...signed(body, bob).signatures] },
        portableVerifier,
      ),
    );
    const remove = bodyAfter(alone, { kind: 'credential-removed', credentialId: 'alice-passkey' });
    expect(whyOf(replayEntry(alone, signed(remove, bob, carol), portableVerifier))).toEqual([
      'governance-change-invalid',
      'it is the last credential of this person',
      'credential-removed',
    ]);
  });

  it.each([
    ['evil.example', 'https://officers.exchange.example'],
    ['exchange.example', 'https://notexchange.example'],
    ['officers.exchange.example', 'https://exchange.example'],
  ])('is refused for relying party %s at %s', (rpId, origin) => {
    const stray = credentialOf('carol-passkey', aPasskey(), { rpId, origin });
    expect(whyOf(next(added(stray)))).toEqual([
      'governance-change-invalid',
      'a passkey is for an origin that is not of its relying party',
      'carol-passkey',
    ]);
  });

  it('is refused with a key that is no point', () => {
    const stray = credentialOf('carol-passkey', aPasskey(), { publicKey: `04${'ab'.repeat(64)}` });
    expect(whyOf(next(added(stray)))).toEqual([
      'governance-change-invalid',
      'a credential has a public key that is no point of its curve',
      'carol-passkey',
    ]);
  });

  it.each([
    { origin: 'http://exchange.example' },
    { origin: 'https://exchange.example/' },
    { origin: 'https://exchange.example:443' },
    { origin: 'https://Exchange.example' },
    { origin: 'https://exchange.example"' },
    { origin: 'https://127.0.0.1' },
    { rpId: 'exchange' },
    { rpId: 'exchange.example.' },
    { rpId: '*.example' },
    { algorithm: 'p256' },
    { backupEligible: 'no' },
    { publicKey: `02${'ab'.repeat(32)}` },
  ])('is no passkey with %p', (altered) => {
    expect(() => credentialOf('carol-passkey', aPasskey(), altered)).toThrow();
  });
});
