import { createHash } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { utf8ToBytes } from '@noble/hashes/utils.js';
import fc from 'fast-check';
import { accepted } from '../fault.js';
import { entryAt } from './audit.fixture.js';
import { bundleBytes } from './bundle.js';
import { type AuditEntry, auditEntryBytes, auditKind, parseAuditEntry, sealed } from './entry.js';
import { changed } from './log.fixture.js';

const entry = entryAt(7);
const bytes = auditEntryBytes(entry);
const TEXT = Buffer.from(bytes).toString();
const codeOf = (outcome: { kind: string; code?: string }) => outcome.code ?? outcome.kind;

describe('an entry of the audit log', () => {
  it('is canonical JSON and is read back, whatever its kind', () => {
    expect(TEXT.startsWith('{"atMs":1700000000007,"deploymentId":"abab')).toBe(true);
    for (const kind of auditKind.options) {
      const one = entryAt(3, { kind });
      expect(parseAuditEntry(auditEntryBytes(one), 3)).toEqual(accepted(one));
    }
  });

  it('fits into a bundle at its longest', () => {
    const longest = entryAt(0, {
      sequence: Number.MAX_SAFE_INTEGER,
      what: 'w'.repeat(64),
      subjects: Array.from({ length: 16 }, () => ({ kind: 'governance-entry', id: 'a'.repeat(64) })),
      sealed: Array.from({ length: 16 }, () => sealed('network-address', '', new Uint8Array(32))),
    });
    expect(bundleBytes([auditEntryBytes(longest)]).length).toBeLessThan(6_000);
  });

  it('is refused with audit-entry-other-place at another place of the log', () => {
    expect(codeOf(parseAuditEntry(bytes, 8))).toBe('audit-entry-other-place');
  });

  it.each<[string, string]>([
    ['it is empty', ''],
    ['it is no JSON', '{'],
    ['it is null', 'null'],
    ['it has a blank more', TEXT.replace(',', ', ')],
    ['it has a line end behind it', `${TEXT}\n`],
    ['its members are in another order', JSON.stringify(entry)],
    ['a member stands there twice', TEXT.replace('"atMs"', '"atMs":1,"atMs"')],
    ['it says something more', TEXT.replace('{"atMs"', '{"also":1,"atMs"')],
    ['it says less', TEXT.replace('"program":"orchestrator-1",', '')],
    ['its type is another', TEXT.replace('audit/v1', 'audit/v2')],
    ['its kind is not known', TEXT.replace('"kind":"transition"', '"kind":"gossip"')],
    ['a letter is escaped', TEXT.replace('"approved"', '"\\u0061pproved"')],
    ['its number has a fraction', TEXT.replace('"sequence":7', '"sequence":7.0')],
    ['a hash is in capitals', TEXT.replace('"abab', '"ABAB')],
    ['a person is named', TEXT.replace(/"hash":"[0-9a-f]{64}"/, '"hash":"alice"')],
  ])('is refused with audit-entry-malformed when %s', (_what, text) => {
    expect(text).not.toBe(TEXT);
    expect(codeOf(parseAuditEntry(utf8ToBytes(text), 7))).toBe('audit-entry-malformed');
  });

  it('is refused with audit-entry-malformed when it is no UTF-8', () => {
    expect(codeOf(parseAuditEntry(Uint8Array.of(0xff, ...bytes), 7))).toBe('audit-entry-malformed');
  });

  it('never reads as what it was when a byte of it is another', () => {
    const places = fc.nat({ max: bytes.length - 1 });
    fc.assert(
      fc.property(places, fc.integer({ min: 1, max: 255 }), (at, by) => {
        expect(parseAuditEntry(changed(bytes, at, by), 7)).not.toEqual(accepted(entry));
      }),
    );
  });

  it.each([
    ['kind', { kind: 'gossip' }],
    ['sealed.0.hash', { sealed: [{ name: 'person', hash: 'alice' }] }],
    ['sequence', { sequence: -1 }],
  ])('is not written (audit-entry-invalid) when its %s is not of its form', (where, altered) => {
    const bad = { ...entry, ...altered } as unknown as AuditEntry;
    expect(() => auditEntryBytes(bad)).toThrow(
      expect.objectContaining({ code: 'audit-entry-invalid', facts: { where } }),
    );
  });
});

describe('a sealed value', () => {
  it('is SHA-256 of the salt and the value', () => {
    const salt = new Uint8Array(32).fill(5);
    const hash = createHash('sha256').update(salt).update('alice').digest('hex');
    expect(sealed('person', 'alice', salt)).toEqual({ name: 'person', hash });
    expect(sealed('person', 'alice', new Uint8Array(32).fill(6)).hash).not.toBe(hash);
  });

  it.each([0, 16, 31, 33])('throws audit-salt-short for a salt of %i bytes', (length) => {
    expect(() => sealed('person', 'alice', new Uint8Array(length))).toThrow(
      expect.objectContaining({ code: 'audit-salt-short' }),
    );
  });
});
