import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { secp256k1 } from '@noble/curves/secp256k1.js';
import { bytesToHex } from '@noble/hashes/utils.js';
import { stringify } from 'yaml';
import { Fault } from '../core/fault.js';
import type { EntryBody } from '../core/governance/entry.js';
import { alice, auditLogOf, bob, signed, stateOf, vouching } from '../core/governance/people.fixture.js';
import { replayGenesis } from '../core/governance/replay.js';
import { portableVerifier } from '../core/statements/signature.js';
import { genesisOf, readPlan } from './plan.js';

const POLICY = `policy: hot-btc
applies-to: { wallets: [hot-btc] }
fee-caps: { absolute: "0.001 BTC", relative: "5%" }
rules:
  - { id: all, when: { asset: BTC }, then: { approve: [{ group: treasury, quorum: 2 }] } }
`;
const WALLET_KEY = bytesToHex(secp256k1.getPublicKey(secp256k1.utils.randomSecretKey(), true));
const REQUEST_KEY = generateKeyPairSync('ed25519')
  .publicKey.export({ format: 'der', type: 'spki' })
  .subarray(-32)
  .toString('hex');

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'portcullis-plan-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

function write(name: string, content: unknown): string {
  const file = join(folder, name);
  writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content));
  return file;
}

const walletKey = { publicKey: '04', compressed: WALLET_KEY, unextractable: true, bornInToken: true };

function plan(altered: Record<string, unknown> = {}) {
  write('hot.policy.yaml', POLICY);
  write('wallet.key.json', walletKey);
  write('attestation.key.json', { ...walletKey, publicKey: vouching.publicKey });
  return {
    persons: [
      {
        id: 'alice',
        name: 'Alice',
        credentials: [{ id: 'alice-1', key: { 'public-key': alice.publicKey } }],
      },
      { id: 'bob', name: 'Bob', credentials: [{ id: 'bob-1', key: { 'public-key': bob.publicKey } }] },
    ],
    groups: { governors: ['alice', 'bob'], treasury: ['alice', 'bob'] },
    quorum: { group: 'governors', threshold: 2 },
    timelock: {
      whitelist: '0h',
      policy: '0h',
      veto: { group: 'governors', threshold: 1 },
    },
    attestation: { token: 'treasury', label: 'attestation', key: { file: 'attestation.key.json' } },
    'request-keys': [{ id: 'exchange-1', key: { 'public-key': REQUEST_KEY }, owners: ['exchange'] }],
    chains: [{ bitcoin: 'regtest' }, { ethereum: 31_337, coin: 'ETH' }],
    wallets: [
      {
        id: 'hot-btc',
        chain: 'bip122:0f9188f13cb7b2c71f2a335e3a4fc328',
        tier: 'hot',
        token: 'treasury',
        keys: [{ label: 'hot-btc-1', key: { file: 'wallet.key.json' } }],
      },
    ],
    policies: ['hot.policy.yaml'],
    ...altered,
  };
}

function made(content: unknown): EntryBody {
  const file = write('plan.yaml', stringify(content));
  return genesisOf(readPlan(file), file, '5e'.repeat(32), 1_700_000_000_000);
}

function faultOf(content: unknown): string {
  try {
    made(content);
    return 'accepted';
  } catch (error) {
    return error instanceof Fault ? `${error.code}: ${error.message}` : String(error);
  }
}

describe('a ceremony plan', () => {
  it('becomes a genesis that replays once the quorum has signed it', () => {
    const outcome = replayGenesis(signed(made(plan()), alice, bob), portableVerifier);
    expect(outcome).toMatchObject({ kind: 'accepted' });
  });

  it('has the fact keys of watchers in it, and what facts have to meet', () => {
    const [one, two] = [1, 2].map((seed) => auditLogOf(seed).key.publicKey);
    write('one.key.json', { event: 'key-made', publicKey: one });
    const factKeys = [
      { id: 'watcher-1', key: { file: 'one.key.json' }, source: 'north', kinds: ['price'] },
      { id: 'watcher-2', key: { 'public-key': two }, source: 'south', kinds: ['price', 'screening'] },
    ];
    const rules = [{ kind: 'price', agree: 2, 'max-age': '90s' }];
    const content = plan({ 'fact-keys': factKeys, 'fact-rules': rules });
    const state = stateOf(replayGenesis(signed(made(content), alice, bob), portableVerifier));
    expect([...state.factKeys.values()]).toMatchObject([
      { keyId: 'watcher-1', publicKey: one, source: 'north', kinds: ['price'] },
      { keyId: 'watcher-2', publicKey: two, source: 'south', kinds: ['price', 'screening'] },
    ]);
    expect([...state.factRules.values()]).toEqual([{ kind: 'price', agree: 2, maxAgeMs: 90_000 }]);
    expect(made(plan()).change).not.toHaveProperty('factKeys');
    for (const rule of [
      { ...rules[0], 'max-age': '0s' },
      { ...rules[0], 'max-age': '1d' },
      { ...rules[0], agree: 0 },
    ])
      expect(faultOf(plan({ 'fact-keys': factKeys, 'fact-rules': [rule] }))).toMatch(/^file-malformed/);
    expect(faultOf(plan({ 'fact-keys': [{ ...factKeys[0], key: { 'public-key': 'ab' } }] }))).toMatch(
      /^plan-invalid: fact key watcher-1: /,
    );
  });

  it('takes an officer’s Ledger as `keys ledger` describes it', () => {
    const publicKey = `02${'ab'.repeat(32)}`;
    write('ledger.key.json', {
      curve: 'secp256k1',
      publicKey,
      address: '0x',
      path: "44'/60'/0'/0/0",
      credential: {},
    });
    const ledger = { id: 'alice-ledger', class: 'device-display', key: { file: 'ledger.key.json' } };
    const { change } = made(plan({ persons: [{ id: 'alice', name: 'Alice', credentials: [ledger] }] }));
    expect(change.kind === 'genesis' && change.persons[0]?.credentials).toEqual([
      { credentialId: 'alice-ledger', credentialClass: 'device-display', algorithm: 'eip191', publicKey },
    ]);
  });

  it('takes a passkey with its relying party and origin, and refuses one without, or a token with', () => {
    const passkey = { 'rp-id': 'exchange.example', origin: 'https://exchange.example' };
    const own = { id: 'alice-passkey', class: 'passkey', key: { 'public-key': alice.publicKey }, passkey };
    const persons = (altered: object) => [
      { id: 'alice', name: 'Alice', credentials: [{ ...own, ...altered }] },
    ];
    const { change } = made(plan({ persons: persons({}) }));
    expect(change.kind === 'genesis' && change.persons[0]?.credentials).toEqual([
      {
        credentialId: 'alice-passkey',
        credentialClass: 'passkey',
        algorithm: 'webauthn-es256',
        publicKey: alice.publicKey,
        rpId: 'exchange.example',
        origin: 'https://exchange.example',
        backupEligible: false,
      },
    ]);
    const why = /^plan-invalid: credential alice-passkey: a passkey, and nothing else/;
    expect(faultOf(plan({ persons: persons({ passkey: undefined }) }))).toMatch(why);
    expect(faultOf(plan({ persons: persons({ class: 'pkcs11' }) }))).toMatch(why);
    const insecure = { ...passkey, origin: 'http://exchange.example' };
    expect(faultOf(plan({ persons: persons({ passkey: insecure }) }))).toMatch(/^file-malformed/);
  });

  it('refuses a wallet key that was not made in its token', () => {
    const content = plan();
    write('wallet.key.json', { ...walletKey, bornInToken: false });
    expect(faultOf(content)).toMatch(
      /^plan-invalid: wallet hot-btc, key hot-btc-1: this key was not made in its token/,
    );
  });

  it('refuses a wallet key that can leave its token', () => {
    const content = plan();
    write('wallet.key.json', { ...walletKey, unextractable: false });
    expect(faultOf(content)).toMatch(/^plan-invalid: .*can leave it/);
  });

  it('refuses a key of the wrong kind where an officer’s key belongs', () => {
    const wrong = {
      id: 'alice',
      name: 'Alice',
      credentials: [{ id: 'alice-1', key: { 'public-key': WALLET_KEY } }],
    };
    expect(faultOf(plan({ persons: [wrong] }))).toMatch(/^plan-invalid: credential alice-1/);
  });

  it('refuses a token whose contract is not spelled with its checksum, since it could never be paid', () => {
    const token = {
      chain: 'eip155:31337',
      contract: '0x5fbdb2315678afecb367f032d93f642f64180aa3',
      symbol: 'USDX',
      decimals: 18,
      'code-hash': 'cc'.repeat(32),
    };
    expect(faultOf(plan({ tokens: [token] }))).toMatch(/^plan-invalid: token USDX/);
  });

  it('refuses a policy with other than printable ASCII, and says which line', () => {
    const content = plan();
    write('hot.policy.yaml', POLICY.replace('id: all', 'id: \u0430ll'));
    expect(faultOf(content)).toMatch(/^file-malformed: .*hot\.policy\.yaml:5: /);
  });

  it('refuses an unknown field, and a field that is missing', () => {
    expect(faultOf({ ...plan(), extra: 1 })).toMatch(/^file-malformed: .*not a ceremony plan/);
    expect(faultOf({ ...plan(), quorum: undefined })).toMatch(/^file-malformed: .*quorum/);
  });

  it.each(['0h', '0m', '25h', '2d'])('refuses a governor’s word that is good for %s', (age) => {
    const { timelock } = plan();
    expect(faultOf(plan({ timelock: { ...timelock, 'fresh-head': age } }))).toMatch(
      /^file-malformed: .*needs a governor's word, and its age is from 1m to 24h/,
    );
  });

  it('refuses anchors and aliases: a plan says everything where it stands', () => {
    const shared = ['alice', 'bob'];
    expect(faultOf(plan({ groups: { governors: shared, treasury: shared } }))).toMatch(
      /^file-malformed: .*aliases/,
    );
  });

  it('refuses a key file that is not there', () => {
    const content = plan();
    rmSync(join(folder, 'wallet.key.json'));
    expect(faultOf(content)).toMatch(/^file-unreadable/);
  });
});
