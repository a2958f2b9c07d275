// The plan that comes with Portcullis, with the shipped policies of every tier: it becomes a genesis that holds, and asks for a
// device with a display wherever somebody could take everything.

import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { secp256k1 } from '@noble/curves/secp256k1.js';
import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js';
import { hashMessage } from 'ethers';
import { parse } from 'yaml';
import { Fault } from '../core/fault.js';
import { entryBytes, type EntrySignature, tier } from '../core/governance/entry.js';
import { auditLogOf, type Key, newKey, signed, stateOf } from '../core/governance/people.fixture.js';
import { replayGenesis } from '../core/governance/replay.js';
import { portableVerifier } from '../core/statements/signature.js';
import { ceremonyNotes } from './ceremony-notes.js';
import { genesisOf, readPlan } from './plan.js';

const ROOT = join(import.meta.dirname, '../..');
const TEXT = readFileSync(join(ROOT, 'packaging/config/plan.example.yaml'), 'utf8');
const ED25519 = /exchange-|watcher-/;
const SECP256K1 = /-ledger|-btc-|-eth-/;

let folder: string;
const tokens = new Map<string, Key>();
const ledgers = new Map<string, Uint8Array>();
let edwards = 0;

/** A key of the kind that each file of the plan is to hold. */
function publicKeyFor(name: string): string {
  if (ED25519.test(name)) return auditLogOf(++edwards).key.publicKey;
  if (!SECP256K1.test(name)) {
    const key = newKey(`${name}-token`);
    tokens.set(name, key);
    return key.publicKey;
  }
  const secret = secp256k1.utils.randomSecretKey();
  ledgers.set(name, secret);
  return bytesToHex(secp256k1.getPublicKey(secret));
}

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'portcullis-plan-example-'));
  cpSync(join(ROOT, 'policies'), join(folder, 'policies'), { recursive: true });
  for (const [, file = ''] of TEXT.matchAll(/file: (keys\/[a-z0-9-]+\.key\.json)/g)) {
    const path = join(folder, file);
    mkdirSync(dirname(path), { recursive: true });
    const publicKey = publicKeyFor(file.slice('keys/'.length, -'.key.json'.length));
    writeFileSync(path, JSON.stringify({ publicKey, unextractable: true, bornInToken: true }));
  }
});
afterAll(() => rmSync(folder, { recursive: true }));

function planFrom(text: string) {
  const file = join(folder, 'plan.yaml');
  writeFileSync(file, text);
  return genesisOf(readPlan(file), file, '5e'.repeat(32), 1_700_000_000_000);
}

const filled = () =>
  planFrom(
    TEXT.replace('<its address>', '0x5FbDB2315678afecb367f032d93F642f64180aa3').replace(
      '<of its code>',
      'ab'.repeat(32),
    ),
  );

describe('the example of a plan', () => {
  it('is refused as long as something is to be filled in', () => {
    try {
      planFrom(TEXT);
      throw new Error('it was taken');
    } catch (error) {
      expect(error instanceof Fault && error.code).toBe('file-malformed');
    }
  });

  it('becomes a genesis of which nothing has to be noted, signed with a device of each group at least', () => {
    const body = filled();
    const keyOf = (person: string): Key => tokens.get(person) ?? newKey('nobody');
    const digest = hexToBytes(hashMessage(entryBytes(body)).slice(2));
    const shownTo = (person: string): EntrySignature => {
      const secret = ledgers.get(`${person}-ledger`) ?? new Uint8Array(32);
      const signature = bytesToHex(secp256k1.sign(digest, secret, { prehash: false }));
      return { credentialId: `${person}-ledger`, signature };
    };
    const replayed = (byToken: readonly string[], shown: readonly string[]) =>
      replayGenesis(
        {
          body,
          signatures: [...signed(body, ...byToken.map(keyOf)).signatures, ...shown.map(shownTo)],
        },
        portableVerifier,
      );
    for (const [byToken, shown, group] of [
      [['alice', 'bob', 'heidi'], ['frank'], 'governors'],
      [['alice', 'heidi', 'ivan'], ['bob'], 'custodians'],
    ] as const) {
      expect(replayed(byToken, shown)).toMatchObject({
        code: 'governance-class-missing',
        facts: { group, class: 'device-display', needed: 1, counted: 0 },
      });
    }
    const state = stateOf(replayed(['alice', 'heidi'], ['bob', 'frank']));
    expect(ceremonyNotes(state)).toEqual([]);
  });

  it('has every policy that comes with Portcullis, and a wallet for each', () => {
    const planned = parse(TEXT) as { policies: string[]; wallets: { tier: string }[] };
    const shipped = readdirSync(join(ROOT, 'policies')).filter((name) => name.endsWith('.policy.yaml'));
    expect(planned.policies.toSorted()).toEqual(shipped.toSorted().map((name) => `policies/${name}`));
    expect(shipped.length).toBe(11);
    expect(new Set(planned.wallets.map((wallet) => wallet.tier))).toEqual(new Set(tier.options));
  });
});
