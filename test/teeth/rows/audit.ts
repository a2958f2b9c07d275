// Teeth of the audit log: proofs, stored tiles, signed checkpoints, entries.

import { type Tooth, teethOf } from '../tooth.js';

export const AUDIT: readonly Tooth[] = [
  ...teethOf('src/core/audit/verify-proof.ts', 'src/core/audit/verify-proof.spec.ts', [
    {
      code: 'audit-proof-out-of-range',
      without: 'the demand that the log has the entry',
      was: 'if (!isCount(index) || !isCount(size) || index >= size)',
      becomes: 'if (false)',
      title: 'a proof is refused with audit-proof-out-of-range when the place is behind the end',
    },
    {
      code: 'audit-proof-out-of-range',
      without: 'the demand that a log does not become smaller',
      was: 'if (!isCount(from) || !isCount(size) || from > size)',
      becomes: 'if (false)',
      title: 'a proof is refused of consistency with audit-proof-out-of-range when the log became smaller',
    },
    {
      code: 'audit-proof-malformed',
      without: 'the demand that every hash of an inclusion proof is used',
      was: "if (!steps.areUsedUp) return malformed('it has hashes to spare');\n  return isSameHash(hash, root)",
      becomes: 'return isSameHash(hash, root)',
      title: 'a proof is refused with audit-proof-malformed when it has hashes to spare',
    },
    {
      code: 'audit-proof-malformed',
      without: 'the demand that every hash of a consistency proof is used',
      was: "if (!steps.areUsedUp) return malformed('it has hashes to spare');\n  return isSameHash(small, fromRoot)",
      becomes: 'return isSameHash(small, fromRoot)',
      title: 'a proof is refused of consistency with audit-proof-malformed when it has hashes to spare',
    },
    {
      code: 'audit-proof-root-differs',
      without: 'comparing the root that an inclusion proof leads to',
      was: 'return isSameHash(hash, root) ? accepted(true)',
      becomes: 'return true ? accepted(true)',
      title: 'a proof is refused when one byte of its hashes, the leaf or the root is another',
    },
    {
      code: 'audit-proof-root-differs',
      without: 'comparing the smaller root of a consistency proof',
      was: 'isSameHash(small, fromRoot) && isSameHash(large, root)',
      becomes: 'isSameHash(large, root)',
      title: 'a proof is refused of consistency, when one byte of its hashes or of a root is another',
    },
    {
      code: 'audit-proof-root-differs',
      without: 'comparing the larger root of a consistency proof',
      was: 'isSameHash(small, fromRoot) && isSameHash(large, root)',
      becomes: 'isSameHash(small, fromRoot)',
      title: 'a proof is refused of consistency, when one byte of its hashes or of a root is another',
    },
    {
      code: 'audit-proof-root-differs',
      without: 'comparing the root of a log that was empty',
      was: 'const isBeginning = from > 0 || isSameHash(fromRoot, EMPTY_ROOT);',
      becomes: 'const isBeginning = true;',
      title:
        'a proof is refused of consistency with audit-proof-root-differs when the log before was empty and has another root',
    },
    {
      code: 'audit-proof-root-differs',
      without: 'comparing the roots of equal sizes',
      was: 'return isBeginning && isSame ? accepted(true) : differs;',
      becomes: 'return isBeginning ? accepted(true) : differs;',
      title:
        'a proof is refused of consistency with audit-proof-root-differs when equal sizes have two roots',
    },
  ]),
  ...teethOf('src/core/audit/prove.ts', 'src/core/audit/verify-proof.spec.ts', [
    {
      code: 'audit-proof-out-of-range',
      without: 'the demand that the log has what is to be proved',
      was: 'if (!isCount(index) || !isCount(size) || index >= size || size > log.size)',
      becomes: 'if (false)',
      title: 'proving refuses with audit-proof-out-of-range entry',
    },
    {
      code: 'audit-proof-out-of-range',
      without: 'the demand that the log was once as it is asked about',
      was: 'if (!isCount(from) || !isCount(size) || from > size || size > log.size)',
      becomes: 'if (false)',
      title: 'proving refuses with audit-proof-out-of-range the way',
    },
  ]),
  ...teethOf('src/core/audit/tiles.ts', 'src/core/audit/verify-proof.spec.ts', [
    {
      code: 'audit-tile-missing',
      without: 'the demand that a tile is there',
      was: "if (file === undefined) return refused('audit-tile-missing', { path });",
      becomes: 'if (file === undefined) continue;',
      title: 'proving refuses with audit-tile-missing what is in no file',
    },
    {
      code: 'audit-tile-malformed',
      without: "the demand that a tile has its name's length",
      was: 'if (bytes.length !== width * HASH_BYTES) return undefined;',
      becomes: '',
      title: 'proving refuses with audit-tile-malformed a tile of another length',
    },
  ]),
  ...teethOf('src/core/audit/bundle.ts', 'src/core/audit/growing-log.spec.ts', [
    {
      code: 'audit-entry-too-long',
      without: 'the bound of what two bytes can count',
      was: 'if (length > MOST_ENTRY_BYTES) {',
      becomes: 'if (false) {',
      title: 'a log that grows refuses an entry of 65,536 bytes',
    },
  ]),
  ...teethOf('src/core/audit/growing-log.ts', 'src/core/audit/growing-log.spec.ts', [
    {
      code: 'audit-tile-missing',
      without: 'the demand that the last bundle is there',
      was: "if (file === undefined) return refused('audit-tile-missing', { path: tilePath(bundle) });",
      becomes: 'if (file === undefined) return accepted({ size, peaks, partial, pending: [] });',
      title: 'the edge of a stored log is refused with audit-tile-missing for tile/entries/002.p/88',
    },
    {
      code: 'audit-tile-malformed',
      without: 'the demand that the last bundle can be read',
      was: "if (pending === undefined) return refused('audit-tile-malformed', { path: file.path });",
      becomes: 'if (pending === undefined) return accepted({ size, peaks, partial, pending: [] });',
      title: 'the edge of a stored log is refused with audit-tile-malformed for tile/entries/002.p/88',
    },
  ]),
  ...teethOf('src/core/audit/note.ts', 'src/core/audit/checkpoint.spec.ts', [
    {
      code: 'audit-key-malformed',
      without: 'the demand that a key is spelled as it is written',
      was: 'verifierKeyText(key) === text;',
      becomes: 'true;',
      title:
        'a key to verify notes with (C2SP signed-note) is refused with audit-key-malformed when it has another hash',
    },
    {
      code: 'audit-note-malformed',
      without: 'the demand that every line beneath the text is a signature',
      was: 'signatures.length === lines.length && ',
      becomes: '',
      title: 'is refused with audit-note-malformed when it has a text behind it',
    },
    {
      code: 'audit-note-malformed',
      without: 'the bound on signatures',
      was: ' && lines.length <= MOST_SIGNATURES',
      becomes: '',
      title: 'is refused with audit-note-malformed when it has 17 signatures',
    },
    {
      code: 'audit-note-malformed',
      without: 'the bound on length',
      was: 'bytes.length > MOST_BYTES ? undefined : textOfUtf8(bytes)',
      becomes: 'textOfUtf8(bytes)',
      title: 'is refused with audit-note-malformed when it is too long',
    },
    {
      code: 'audit-note-unsigned',
      without: 'telling keys of one name apart',
      was: 'each.name === key.name && each.keyHash === keyHash',
      becomes: 'each.name === key.name',
      title: 'is refused with audit-note-unsigned for another key of the same name',
    },
    {
      code: 'audit-note-signature-invalid',
      without: 'verifying the signature',
      was: 'verifier.ed25519(key.publicKey, utf8ToBytes(text), first.signature)',
      becomes: 'true',
      title: 'is refused with audit-note-signature-invalid when another size was signed',
    },
    {
      code: 'audit-note-signature-invalid',
      without: 'the demand for one signature by a key',
      was: 'second === undefined && ',
      becomes: '',
      title: 'is refused with audit-note-signature-invalid when its key signed it twice',
    },
    {
      code: 'audit-note-signer-wrong',
      without: 'opening what was signed before it is given out',
      was: "if (opened.kind === 'accepted' && opened.value === text) return note;",
      becomes: 'if (opened) return note;',
      title: 'signing a checkpoint throws audit-note-signer-wrong when the token answers with another key',
    },
  ]),
  ...teethOf('src/core/audit/checkpoint.ts', 'src/core/audit/checkpoint.spec.ts', [
    {
      code: 'audit-checkpoint-malformed',
      without: 'the one spelling of a size',
      was: 'SIZE.test(digits) ? Number(digits) : Number.NaN',
      becomes: 'Number(digits)',
      title: 'is refused with audit-checkpoint-malformed when it has a size with a zero before it',
    },
    {
      code: 'audit-checkpoint-malformed',
      without: 'the length of a root',
      was: 'root?.length === HASH_BYTES &&',
      becomes: 'root !== undefined &&',
      title: 'is refused with audit-checkpoint-malformed when it has a root of 31 bytes',
    },
    {
      code: 'audit-checkpoint-other-log',
      without: 'the demand that a checkpoint is of the log of its key',
      was: 'return origin === key.name',
      becomes: 'return true',
      title: 'is refused with audit-checkpoint-other-log when the key signed one of another log',
    },
  ]),
  ...teethOf('src/core/audit/entry.ts', 'src/core/audit/entry.spec.ts', [
    {
      code: 'audit-entry-malformed',
      without: 'the one spelling of an entry',
      was: 'parsed.success && canonicalJson(parsed.data) === text ?',
      becomes: 'parsed.success ?',
      title: 'an entry of the audit log is refused with audit-entry-malformed when it has a blank more',
    },
    {
      code: 'audit-entry-other-place',
      without: "comparing an entry's place with its own word",
      was: 'return entry.sequence === sequence',
      becomes: 'return true',
      title: 'an entry of the audit log is refused with audit-entry-other-place at another place of the log',
    },
    {
      code: 'audit-entry-invalid',
      without: 'the demand that an entry is written in its form',
      was: 'if (!parsed.success) {',
      becomes: 'if (false) {',
      title:
        'an entry of the audit log is not written (audit-entry-invalid) when its kind is not of its form',
    },
    {
      code: 'audit-salt-short',
      without: 'the length of a salt',
      was: 'if (salt.length !== SALT_BYTES) {',
      becomes: 'if (false) {',
      title: 'a sealed value throws audit-salt-short for a salt of 16 bytes',
    },
  ]),
  ...teethOf('src/core/audit/public-form.ts', 'src/core/audit/public-form.spec.ts', [
    {
      code: 'audit-checkpoint-missing',
      without: 'the demand for a checkpoint',
      was: 'const note = await form.readTile(CHECKPOINT_PATH);',
      becomes: 'const note = (await form.readTile(CHECKPOINT_PATH)) ?? new Uint8Array();',
      title: 'is refused with audit-checkpoint-missing without one',
    },
  ]),
];
