import { generateKeyPairSync, sign } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { concatBytes, utf8ToBytes } from '@noble/hashes/utils.js';
import fc from 'fast-check';
import { accepted } from '../fault.js';
import { portableVerifier } from '../statements/signature.js';
import { checkpointText, openCheckpoint, parseCheckpoint, signCheckpoint } from './checkpoint.js';
import { changed } from './log.fixture.js';
import { EMPTY_ROOT } from './merkle.js';
import { type NoteKey, openNote, parseNote, parseVerifierKey, signNote, verifierKeyText } from './note.js';
import { base64Of } from './texts.js';

/** A key in memory, where a deployment has one on its token. */
function newKey(name: string) {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const raw = new Uint8Array(publicKey.export({ format: 'der', type: 'spki' }).subarray(-32));
  const key: NoteKey = { name, publicKey: raw };
  return {
    key,
    sign: (message: Uint8Array) => Promise.resolve(new Uint8Array(sign(null, message, privateKey))),
  };
}

const ours = newKey('exchange.example/audit');
const other = newKey('exchange.example/audit');
const witness = newKey('witness.example/w1');
const checkpoint = { origin: ours.key.name, size: 20_852_163, root: EMPTY_ROOT, extensions: [] };
const TEXT = checkpointText(checkpoint);
const note = await signCheckpoint(checkpoint, ours.key, ours.sign, portableVerifier);
const noteText = Buffer.from(note).toString();
const signatureLine = noteText.slice(TEXT.length + 1);
const witnessed = await signNote(TEXT, witness.key, witness.sign, portableVerifier);
const witnessLine = Buffer.from(witnessed)
  .toString()
  .slice(TEXT.length + 1);

const codeOf = (outcome: { kind: string; code?: string }) => outcome.code ?? outcome.kind;
const opened = (bytes: Uint8Array, key = ours.key) => codeOf(openCheckpoint(bytes, key, portableVerifier));
const signedText = (text: string) => signNote(text, ours.key, ours.sign, portableVerifier);

describe('a key to verify notes with (C2SP signed-note)', () => {
  // The example of the specification's implementation in Go, golang.org/x/mod/sumdb/note.
  const EXAMPLE = 'PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW';

  it('is read and written in its one spelling', () => {
    const key = parseVerifierKey(EXAMPLE);
    expect(key).toMatchObject({ kind: 'accepted', value: { name: 'PeterNeumann' } });
    expect(key.kind === 'accepted' && verifierKeyText(key.value)).toBe(EXAMPLE);
    expect(parseVerifierKey(verifierKeyText(ours.key))).toEqual(accepted(ours.key));
  });

  it('opens the note of that example', () => {
    const key = parseVerifierKey(EXAMPLE);
    const text =
      'If you think cryptography is the answer to your problem,\n' +
      "then you don't know what your problem is.\n";
    const signature =
      '\u2014 PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n';
    if (key.kind === 'refused') throw new Error(key.code);
    expect(openNote(utf8ToBytes(`${text}\n${signature}`), key.value, portableVerifier)).toEqual(
      accepted(text),
    );
  });

  it.each([
    ['nothing', ''],
    ['a name alone', 'PeterNeumann'],
    ['no name', EXAMPLE.replace('PeterNeumann', '')],
    ['another name', EXAMPLE.replace('Peter', 'Petra')],
    ['another hash', EXAMPLE.replace('c74f20a3', 'c74f20a4')],
    ['a hash in capitals', EXAMPLE.replace('c74f20a3', 'C74F20A3')],
    ['another key', EXAMPLE.replace('ARpc', 'ARpd')],
    ['another kind of key', EXAMPLE.replace('+ARpc', '+Ahpc')],
    ['a key that is cut off', EXAMPLE.slice(0, -4)],
    ['a blank after it', `${EXAMPLE} `],
    ['a line end after it', `${EXAMPLE}\n`],
    ['a name with a blank', EXAMPLE.replace('PeterN', 'Peter N')],
  ])('is refused with audit-key-malformed when it has %s', (_what, text) => {
    expect(codeOf(parseVerifierKey(text))).toBe('audit-key-malformed');
  });
});

describe('a signed checkpoint (C2SP tlog-checkpoint)', () => {
  it('is a text, a blank line and a signature', () => {
    expect(noteText).toMatch(
      /^exchange\.example\/audit\n20852163\n47DEQpj8HBSa\+\/TImW\+5JCeuQeRkm5NMpJWZG3hSuFU=\n\n\u2014 exchange\.example\/audit [A-Za-z0-9+/]{91}=\n$/,
    );
    expect(openCheckpoint(note, ours.key, portableVerifier)).toEqual(accepted(checkpoint));
  });

  it('may have signatures of others beside it, in any order', () => {
    expect(opened(utf8ToBytes(noteText + witnessLine))).toBe('accepted');
    expect(opened(utf8ToBytes(`${TEXT}\n${witnessLine}${signatureLine}`))).toBe('accepted');
  });

  it('may have lines of its own behind the root', async () => {
    const more = { ...checkpoint, extensions: ['a line', 'another'] };
    const signed = await signedText(checkpointText(more));
    expect(openCheckpoint(signed, ours.key, portableVerifier)).toEqual(accepted(more));
  });

  it('is refused when any byte of it is another', () => {
    fc.assert(
      fc.property(fc.nat({ max: note.length - 1 }), fc.integer({ min: 1, max: 255 }), (at, by) => {
        expect(opened(changed(note, at, by))).not.toBe('accepted');
      }),
      { numRuns: 1_000 },
    );
  });

  it('is refused when it is cut off anywhere, or goes on', () => {
    for (let length = 0; length < note.length; length += 1) {
      expect(opened(note.subarray(0, length))).toBe('audit-note-malformed');
    }
    expect(opened(concatBytes(note, utf8ToBytes('\n')))).toBe('audit-note-malformed');
  });

  it('is refused, never thrown at, whatever the bytes are', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(opened(bytes)).toBe('audit-note-malformed');
      }),
    );
  });

  const forged = (line: string) => `${TEXT}\n${line}`;
  it.each<[string, string, string | Uint8Array]>([
    ['audit-note-malformed', 'it has no blank line', TEXT + signatureLine],
    ['audit-note-malformed', 'it has no signature', `${TEXT}\n`],
    ['audit-note-malformed', 'it has no line end at its end', noteText.slice(0, -1)],
    ['audit-note-malformed', 'it has a carriage return', noteText.replaceAll('\n', '\r\n')],
    ['audit-note-malformed', 'it has a control character', noteText.replace('exchange', 'ex\u0007change')],
    ['audit-note-malformed', 'it is no UTF-8', concatBytes(Uint8Array.of(0xff), note)],
    ['audit-note-malformed', 'a hyphen stands for the dash', noteText.replace('\u2014', '-')],
    ['audit-note-malformed', 'a signature has two blanks', noteText.replace('\u2014 ', '\u2014  ')],
    ['audit-note-malformed', 'a signature is empty', forged(`\u2014 ${ours.key.name} \n`)],
    ['audit-note-malformed', 'a signature is four bytes', forged(`\u2014 ${ours.key.name} AAAAAA==\n`)],
    ['audit-note-malformed', 'its base64 has no padding', noteText.replace(/=\n$/, '\n')],
    ['audit-note-malformed', 'a name has a plus', forged('\u2014 a+b AAAAAAAA\n') + signatureLine],
    ['audit-note-malformed', 'it has a text behind it', `${noteText}more\n`],
    ['audit-note-malformed', 'it has 17 signatures', noteText + witnessLine.repeat(16)],
    ['audit-note-malformed', 'it is too long', `${'x'.repeat(65_536)}\n\n${signatureLine}`],
    ['audit-note-unsigned', 'somebody else signed it', witnessed],
    ['audit-note-unsigned', 'its key has another hash', noteText.replace(/(audit) .{4}/, '$1 AAAA')],
    ['audit-note-signature-invalid', 'its key signed it twice', noteText + signatureLine],
    ['audit-note-signature-invalid', 'another size was signed', noteText.replace('20852163', '20852164')],
  ])('is refused with %s when %s', (code, _what, bytes) => {
    expect(opened(typeof bytes === 'string' ? utf8ToBytes(bytes) : bytes)).toBe(code);
  });

  it('is refused with audit-note-unsigned for another key of the same name', () => {
    expect(opened(note, other.key)).toBe('audit-note-unsigned');
  });

  it.each([
    ['no root', 'o\n1\n'],
    ['no line end', TEXT.slice(0, -1)],
    ['a size with a zero before it', TEXT.replace('20852163', '020852163')],
    ['a size with a plus', TEXT.replace('20852163', '+20852163')],
    ['a negative size', TEXT.replace('20852163', '-1')],
    ['a size that no program can count to', TEXT.replace('20852163', '9007199254740992')],
    ['a hexadecimal size', TEXT.replace('20852163', '0x10')],
    ['no size', TEXT.replace('20852163', '')],
    ['a root of 31 bytes', TEXT.replace(/47D.*/, base64Of(new Uint8Array(31)))],
    ['a root with stray bits', TEXT.replace('SuFU=', 'SuFV=')],
    ['no origin', `\n1\n${base64Of(EMPTY_ROOT)}\n`],
    ['an origin with a blank', TEXT.replace('exchange', 'ex change')],
    ['an empty line behind the root', `${TEXT}\nx\n`],
  ])('is refused with audit-checkpoint-malformed when it has %s, though signed', async (_what, text) => {
    expect(codeOf(parseCheckpoint(text))).toBe('audit-checkpoint-malformed');
    if (text.endsWith('\n')) expect(opened(await signedText(text))).toBe('audit-checkpoint-malformed');
  });

  it('is refused with audit-checkpoint-other-log when the key signed one of another log', async () => {
    const elsewhere = checkpointText({ ...checkpoint, origin: 'exchange.example/other' });
    expect(opened(await signedText(elsewhere))).toBe('audit-checkpoint-other-log');
  });

  it('says of itself who signed it, without a proof', () => {
    const parsed = parseNote(note);
    expect(parsed).toMatchObject({
      kind: 'accepted',
      value: { text: TEXT, signatures: [{ name: ours.key.name }] },
    });
  });
});

describe('signing a checkpoint', () => {
  it.each<[string, (message: Uint8Array) => Promise<Uint8Array>]>([
    ['another key', other.sign],
    ['half a signature', async (message) => (await ours.sign(message)).subarray(0, 32)],
    ['another text', () => ours.sign(utf8ToBytes('something else\n'))],
    ['nothing', () => Promise.resolve(new Uint8Array())],
  ])('throws audit-note-signer-wrong when the token answers with %s', async (_what, signer) => {
    await expect(signCheckpoint(checkpoint, ours.key, signer, portableVerifier)).rejects.toMatchObject({
      code: 'audit-note-signer-wrong',
    });
  });

  it('throws audit-note-signer-wrong for a text without a line end, which nobody could open', async () => {
    await expect(signedText('o\n1')).rejects.toMatchObject({ code: 'audit-note-signer-wrong' });
  });
});
