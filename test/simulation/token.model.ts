// A token in memory, with software keys: for the simulation ALONE, and unfit for anything else. It keeps the promises of the
// port (records whose version only grows, signatures that may be high-S), outlives the signer's process, and tells the
// judge of every signature that it makes.

import { isDeepStrictEqual } from 'node:util';
import { p256 } from '@noble/curves/nist.js';
import * as secp256k1 from 'tiny-secp256k1';
import type {
  KeyCurve,
  KeyDescription,
  KeyReference,
  KeySigner,
  TokenFaultCode,
  TokenRecord,
  TokenStatus,
} from '../../hardware/key-signer.js';
import { Fault } from '../../src/core/fault.js';
import { SEAL_RECORD } from '../../src/signer/seal.js';
import type { Chance } from './chance.js';
import { ATTESTATION, BTC_KEY, ETH_KEY, p256Point, SEAL_SECRET } from './people.js';
import { never, type Process, type Scheduler } from './scheduler.js';
import type { Trace } from './trace.js';

const ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;

interface Key {
  readonly curve: Exclude<KeyCurve, 'ed25519'>;
  readonly secret: Uint8Array;
  readonly point: string;
}

/** What a token holds, whoever is logged in to it. */
export class SoftwareToken {
  readonly records = new Map<string, TokenRecord>();
  /** Earlier values of the record that moves, newest last. */
  readonly history: TokenRecord[] = [];
  private readonly keys: ReadonlyMap<string, Key>;

  constructor() {
    const wallet = ({ secret }: { readonly secret: Uint8Array }): Key => ({
      curve: 'secp256k1',
      secret,
      point: Buffer.from(secp256k1.pointFromScalar(secret, false) ?? []).toString('hex'),
    });
    this.keys = new Map([
      [ETH_KEY.label, wallet(ETH_KEY)],
      [BTC_KEY.label, wallet(BTC_KEY)],
      [
        ATTESTATION.label,
        { curve: 'p256', secret: ATTESTATION.secret, point: p256Point(ATTESTATION.secret) },
      ],
    ]);
    this.records.set(SEAL_RECORD, { version: 1n, value: SEAL_SECRET });
  }

  key({ label }: KeyReference): Key {
    const key = this.keys.get(label);
    if (key) return key;
    throw new Fault<TokenFaultCode>('key-missing', 'no such key', { facts: { label } });
  }

  sign(reference: KeyReference, digest: Uint8Array, high: boolean): Uint8Array {
    const { curve, secret } = this.key(reference);
    if (curve === 'p256') return p256.sign(digest, secret, { prehash: false });
    const signature = secp256k1.sign(digest, secret);
    if (!high) return signature;
    const s = ORDER - BigInt(`0x${Buffer.from(signature.subarray(32)).toString('hex')}`);
    return Buffer.concat([signature.subarray(0, 32), Buffer.from(s.toString(16).padStart(64, '0'), 'hex')]);
  }

  write(name: string, record: TokenRecord, replaces?: TokenRecord): void {
    const before = this.records.get(name);
    if (replaces && !isDeepStrictEqual(before, replaces) && !isDeepStrictEqual(before, record))
      throw new Fault<TokenFaultCode>('record-changed', 'the record is another one');
    if (before && record.version <= before.version) {
      const same = record.version === before.version && Buffer.compare(record.value, before.value) === 0;
      if (same) return;
      throw new Fault<TokenFaultCode>('record-stale', 'the record is not newer');
    }
    this.records.set(name, record);
    this.history.push(record);
  }

  /** The power failed before the newest writes were on the disk (SoftHSM does not sync). */
  forgetNewest(name: string, writes: number): boolean {
    const kept = this.history.at(-1 - writes);
    if (!kept) return false;
    this.history.splice(this.history.length - writes, writes);
    this.records.set(name, kept);
    return true;
  }
}

export interface TokenKnobs {
  /** In so many of 1,000 calls: a fault before anything happened. */
  faultBefore: number;
  /** Nobody knows whether it happened; it has. */
  faultAfter: number;
  highS: number;
}

/** How one life of the signer sees the token. */
export class TokenDoor implements KeySigner {
  constructor(
    private readonly token: SoftwareToken,
    private readonly process: Process,
    private readonly scheduler: Scheduler,
    private readonly chance: Chance,
    private readonly trace: Trace,
    private readonly knobs: TokenKnobs,
    private readonly onSigned: (label: string, digest: Uint8Array) => void,
  ) {}

  async status(): Promise<TokenStatus> {
    await this.enter('token status');
    return {
      label: 'treasury',
      serial: 'simulated',
      manufacturer: 'none',
      model: 'simulated',
      firmware: '0',
      sessionsOpen: 4,
      sessionsWanted: 4,
      loggedIn: true,
    };
  }

  async describeKey(reference: KeyReference): Promise<KeyDescription> {
    await this.enter('token describe');
    const { curve, point } = this.token.key(reference);
    return {
      label: reference.label,
      id: '01',
      curve,
      publicKey: point,
      unextractable: true,
      bornInToken: true,
    };
  }

  generateKey(): Promise<KeyDescription> {
    throw new Fault<TokenFaultCode>('mechanism', 'this token makes no keys');
  }

  async signDigest(reference: KeyReference, digest: Uint8Array): Promise<Uint8Array> {
    await this.enter('before token sign');
    // Whatever it was called with has died between the two lines.
    if (!this.process.alive) return never();
    const signature = this.token.sign(reference, digest, this.chance.hit(this.knobs.highS));
    this.onSigned(reference.label, digest);
    await this.leave('after token sign');
    return signature;
  }

  /** No world has an Ed25519 key. */
  async signMessage(reference: KeyReference): Promise<Uint8Array> {
    await this.enter('before token sign');
    const { curve } = this.token.key(reference);
    throw new Fault<TokenFaultCode>('mechanism', 'a key of this type does not sign so', { facts: { curve } });
  }

  async readRecord(name: string): Promise<TokenRecord | undefined> {
    await this.enter('token read');
    return this.token.records.get(name);
  }

  async writeRecord(name: string, record: TokenRecord, replaces?: TokenRecord): Promise<void> {
    await this.enter('before token write');
    if (!this.process.alive) return never();
    this.token.write(name, record, replaces);
    await this.leave('after token write');
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  private async enter(where: string): Promise<void> {
    await this.scheduler.point(this.process, where);
    this.checkEnding();
    // Another call of the same process may have met its death meanwhile.
    if (!this.process.alive) return never();
    if (this.chance.hit(this.knobs.faultBefore)) {
      this.trace.note('token-fault', where);
      throw new Fault<TokenFaultCode>('transient', 'the token is busy');
    }
  }

  private async leave(where: string): Promise<void> {
    await this.scheduler.point(this.process, where);
    this.checkEnding();
    if (!this.process.alive) return never();
    if (this.chance.hit(this.knobs.faultAfter)) {
      this.trace.note('token-indeterminate', where);
      throw new Fault<TokenFaultCode>('indeterminate', 'the token process died');
    }
  }

  private checkEnding(): void {
    if (this.process.ending) throw new Fault<TokenFaultCode>('closed', 'the process ends');
  }
}
