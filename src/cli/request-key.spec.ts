import { generateKeyPairSync } from 'node:crypto';
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Fault } from '../core/fault.js';
import { portableVerifier } from '../core/statements/signature.js';
import { generateRequestKey, readRequestKey } from './request-key.js';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'portcullis-key-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

function codeOf(work: () => unknown): string {
  try {
    work();
    return 'accepted';
  } catch (error) {
    return error instanceof Fault ? error.code : String(error);
  }
}

describe('a backend’s request key', () => {
  it('lies in a file that only its owner can read, and signs what its public key verifies', async () => {
    const file = join(folder, 'one.pem');
    const publicKey = generateRequestKey(file);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const message = new TextEncoder().encode('a request');
    const key = readRequestKey(file);
    expect(key.publicKey).toBe(publicKey);
    const signature = await key.sign(message);
    expect(portableVerifier.ed25519(Buffer.from(publicKey, 'hex'), message, signature)).toBe(true);
  });

  it('refuses to write over a key that is there', () => {
    const file = join(folder, 'two.pem');
    generateRequestKey(file);
    const before = readFileSync(file, 'utf8');
    expect(codeOf(() => generateRequestKey(file))).toBe('file-exists');
    expect(readFileSync(file, 'utf8')).toBe(before);
  });

  it('refuses a file that others can read', () => {
    const file = join(folder, 'three.pem');
    generateRequestKey(file);
    chmodSync(file, 0o640);
    expect(codeOf(() => readRequestKey(file))).toBe('file-open-to-others');
  });

  it('refuses another kind of key, and what is no key', () => {
    const file = join(folder, 'four.pem');
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    writeFileSync(file, privateKey.export({ format: 'pem', type: 'pkcs8' }), { mode: 0o600 });
    expect(codeOf(() => readRequestKey(file))).toBe('file-malformed');
    const other = join(folder, 'five.pem');
    writeFileSync(other, 'not a key', { mode: 0o600 });
    expect(codeOf(() => readRequestKey(other))).toBe('file-malformed');
    expect(codeOf(() => readRequestKey(join(folder, 'none.pem')))).toBe('file-unreadable');
  });
});
