import { describe, expect, it } from '@jest/globals';
import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js';
import { Psbt, Transaction } from 'bitcoinjs-lib';
import bitcore from 'bitcore-lib';
import fc from 'fast-check';
import { sign, verify } from 'tiny-secp256k1';
import { sats } from '../../money/amount.js';
import type { BitcoinIntent } from '../intent.js';
import {
  assembleBitcoin,
  decodeSignedBitcoin,
  type InputSignature,
  verifySignedBitcoin,
} from './assemble.js';
import { decodePsbt } from './decode.js';
import { type Coin, draftOf, psbtOf, testKey, tokenSignature } from './psbt.fixture.js';

const keys = [testKey('one'), testKey('two'), testKey('three')];
const foreign = testKey('foreign');
const spend = (amounts: bigint[]): Coin[] =>
  amounts.map((amount, index) => ({ script: keys[index % 3]?.script ?? '', sats: amount }));

function prepared(amounts: bigint[], highS: boolean[] = []) {
  const total = amounts.reduce((sum, amount) => sum + amount, 0n);
  const base64 = psbtOf(draftOf(spend(amounts), [{ script: foreign.script, sats: total - 1_000n }]));
  const decoded = decodePsbt(base64, 'regtest');
  if (decoded.kind === 'refused') throw new Error(decoded.code);
  const intent: BitcoinIntent = decoded.value;
  const signatures = intent.sighashes.map((digest, index): InputSignature => {
    const key = keys[index % 3] ?? foreign;
    return { publicKey: key.publicKey, rs64: tokenSignature(key, digest, highS[index] ?? false) };
  });
  return { base64, intent, signatures };
}

const Interpreter = bitcore.Script.Interpreter;
/** All that apply; its CLEANSTACK looks at the wrong stack for native witness programs. */
const FLAGS =
  Interpreter.SCRIPT_VERIFY_P2SH |
  Interpreter.SCRIPT_VERIFY_STRICTENC |
  Interpreter.SCRIPT_VERIFY_DERSIG |
  Interpreter.SCRIPT_VERIFY_LOW_S |
  Interpreter.SCRIPT_VERIFY_NULLFAIL |
  Interpreter.SCRIPT_VERIFY_WITNESS |
  Interpreter.SCRIPT_VERIFY_WITNESS_PUBKEYTYPE;

/** bitcore-lib's word on every input of a signed transaction. */
function bitcoreAccepts(hex: string, intent: BitcoinIntent): boolean {
  const transaction = new bitcore.Transaction(hex);
  return intent.inputs.every((spent, index) => {
    const input = transaction.inputs[index];
    if (!input) return false;
    return new Interpreter().verify(
      input.script,
      new bitcore.Script(spent.script),
      transaction,
      index,
      FLAGS,
      input.getWitnesses(),
      Number(spent.amountSats),
    );
  });
}

describe('a signed Bitcoin transaction', () => {
  it('is what bitcoinjs-lib makes of the same signatures, and what bitcore-lib accepts', () => {
    const { base64, intent, signatures } = prepared(
      [60_000n, 70_000n, 80_000n, 90_000n],
      [true, false, true],
    );
    const { hex, transactionId } = assembleBitcoin(base64, signatures);
    expect(transactionId).toBe(intent.transactionId);

    const psbt = Psbt.fromBase64(base64);
    for (const index of intent.inputs.keys()) {
      const key = keys[index % 3] ?? foreign;
      psbt.signInput(index, {
        publicKey: hexToBytes(key.publicKey),
        sign: (digest) => sign(digest, key.secret),
      });
    }
    expect(psbt.validateSignaturesOfAllInputs((key, digest, rs64) => verify(digest, key, rs64))).toBe(true);
    expect(hex).toBe(psbt.finalizeAllInputs().extractTransaction(true).toHex());
    expect(bitcoreAccepts(hex, intent)).toBe(true);
    // The second opinion does look: of an input that had one satoshi less, it says no.
    const [input, ...inputs] = intent.inputs;
    if (!input) throw new Error('no input');
    const lowered = { ...intent, inputs: [{ ...input, amountSats: sats(input.amountSats - 1n) }, ...inputs] };
    expect(bitcoreAccepts(hex, lowered)).toBe(false);
  });

  it('verifies whichever s the token gave, and never weighs more than the intent says', () => {
    const inputs = fc.array(fc.record({ sats: fc.bigInt(2_000n, 10_000_000n), highS: fc.boolean() }), {
      minLength: 1,
      maxLength: 5,
    });
    fc.assert(
      fc.property(inputs, (list) => {
        const { base64, intent, signatures } = prepared(
          list.map(({ sats }) => sats),
          list.map(({ highS }) => highS),
        );
        const { hex } = assembleBitcoin(base64, signatures);
        expect(verifySignedBitcoin(hex, intent).kind).toBe('accepted');
        const vbytes = Transaction.fromHex(hex).virtualSize();
        expect(vbytes).toBeLessThanOrEqual(intent.signedVbytes);
        expect(intent.signedVbytes - vbytes).toBeLessThanOrEqual(2 * list.length);
      }),
      { numRuns: 30 },
    );
  });

  it('reads back as inputs, outputs, keys and signatures', () => {
    const { base64, intent, signatures } = prepared([60_000n, 70_000n]);
    const { hex } = assembleBitcoin(base64, signatures);
    expect(decodeSignedBitcoin(hex)).toEqual({
      kind: 'accepted',
      value: {
        transactionId: intent.transactionId,
        version: 2,
        lockTime: 800_000,
        inputs: signatures.map((signature, index) => ({
          outpoint: intent.inputs[index]?.outpoint,
          sequence: 0xfffffffd,
          ...signature,
        })),
        outputs: [{ amountSats: 129_000n, script: foreign.script }],
      },
    });
  });
});

describe('assembling is refused', () => {
  const { base64, intent, signatures } = prepared([60_000n, 70_000n]);
  const [one, two] = signatures;
  if (!one || !two) throw new Error('fixture without signatures');
  const [digest = new Uint8Array(32)] = intent.sighashes;

  it.each<[string, string, string, InputSignature[], object]>([
    ['unsigned-refused', 'the PSBT is not one', 'cHNidP8=', [one, two], { code: 'psbt-malformed' }],
    ['signature-count', 'a signature is missing', base64, [one], {}],
    ['signature-count', 'there is one signature too many', base64, [one, two, two], {}],
    ['signed-refused', 'signatures are exchanged', base64, [two, one], { code: 'public-key-mismatch' }],
    [
      'signed-refused',
      'a signature is over another input',
      base64,
      [{ ...one, rs64: tokenSignature(keys[0] ?? foreign, intent.sighashes[1] ?? digest, false) }, two],
      { code: 'signature-invalid' },
    ],
    [
      'signed-refused',
      'a key that does not own the input has signed',
      base64,
      [{ publicKey: foreign.publicKey, rs64: tokenSignature(foreign, digest, false) }, two],
      { code: 'public-key-mismatch', inputIndex: 0 },
    ],
    [
      'signature-malformed',
      'a signature is all zeros',
      base64,
      [{ ...one, rs64: new Uint8Array(64) }, two],
      {},
    ],
    ['signature-malformed', 'a signature is empty', base64, [{ ...one, rs64: new Uint8Array(0) }, two], {}],
    ['public-key-malformed', 'a key is no point', base64, [{ ...one, publicKey: '02' }, two], {}],
  ])('%s when %s', (code, _, psbt, list, facts) => {
    expect(() => assembleBitcoin(psbt, list)).toThrow(
      expect.objectContaining({ name: 'Fault', code, facts: expect.objectContaining(facts) }),
    );
  });
});

describe('a signed transaction from elsewhere is refused', () => {
  const { base64, intent, signatures } = prepared([60_000n, 70_000n]);
  const { hex } = assembleBitcoin(base64, signatures);
  const edited = (edit: (transaction: Transaction) => void) => {
    const transaction = Transaction.fromHex(hex);
    edit(transaction);
    return transaction.toHex();
  };
  const witnessOf = (transaction: Transaction): Uint8Array[] => transaction.ins[0]?.witness ?? [];
  const withSignature = (change: (signature: Uint8Array) => Uint8Array) =>
    edited((transaction) => {
      const [signature = new Uint8Array(0), key = new Uint8Array(0)] = witnessOf(transaction);
      transaction.setWitness(0, [change(signature), key]);
    });
  const der = (rs64: Uint8Array) => {
    const integer = (bytes: Uint8Array) => {
      const [lead = 0] = bytes;
      const body = lead >= 0x80 ? [0, ...bytes] : [...bytes];
      return [2, body.length, ...body];
    };
    const body = [...integer(rs64.subarray(0, 32)), ...integer(rs64.subarray(32))];
    return Uint8Array.from([0x30, body.length, ...body, 1]);
  };

  it.each([
    ['signed-malformed', 'it is no hex', 'zz'],
    ['signed-malformed', 'it is upper-case hex', hex.toUpperCase()],
    ['signed-malformed', 'it is empty', ''],
    ['signed-malformed', 'it is cut off', hex.slice(0, -2)],
    ['signed-malformed', 'bytes follow its end', `${hex}00`],
    ['signed-malformed', 'it is larger than nodes relay', '00'.repeat(400_001)],
    [
      'signed-malformed',
      'an input has a scriptSig',
      edited((transaction) => transaction.setInputScript(0, Uint8Array.of(0x51))),
    ],
    ['witness-malformed', 'an input has no witness', edited((transaction) => transaction.setWitness(0, []))],
    [
      'witness-malformed',
      'a witness has an item more',
      edited((transaction) => transaction.setWitness(0, [...witnessOf(transaction), new Uint8Array(1)])),
    ],
    [
      'witness-malformed',
      'a key has 65 bytes',
      edited((transaction) =>
        transaction.setWitness(0, [witnessOf(transaction)[0] ?? new Uint8Array(0), new Uint8Array(65)]),
      ),
    ],
    [
      'witness-malformed',
      'the sighash byte is NONE',
      withSignature((signature) => Uint8Array.of(...signature.subarray(0, -1), 2)),
    ],
    [
      'witness-malformed',
      'the sighash byte is ALL with ANYONECANPAY',
      withSignature((signature) => Uint8Array.of(...signature.subarray(0, -1), 0x81)),
    ],
    ['witness-malformed', 'the signature is empty', withSignature(() => new Uint8Array(0))],
    [
      'witness-malformed',
      'a byte follows the DER signature',
      withSignature((signature) => Uint8Array.of(...signature.subarray(0, -1), 0, 1)),
    ],
    ...[
      ['a length in long form', (r: number[], s: number[]) => [0x30, 0x81, r.length + s.length, ...r, ...s]],
      [
        'an integer with a needless zero before it',
        (r: number[], s: number[]) => {
          const padded = [2, (r[1] ?? 0) + 1, 0, ...r.slice(2)];
          return [0x30, padded.length + s.length, ...padded, ...s];
        },
      ],
      ['a byte inside after s', (r: number[], s: number[]) => [0x30, r.length + s.length + 1, ...r, ...s, 0]],
      [
        'a negative integer',
        (r: number[], s: number[]) => [0x30, r.length + s.length, 2, r[1] ?? 0, 0xff, ...r.slice(3), ...s],
      ],
      ['another tag', (r: number[], s: number[]) => [0x31, r.length + s.length, ...r, ...s]],
    ].map(([name, encode]): [string, string, string] => [
      'witness-malformed',
      `the DER signature has ${String(name)}`,
      withSignature((signature) => {
        const rLength = signature[3] ?? 0;
        const r = [...signature.subarray(2, 4 + rLength)];
        const s = [...signature.subarray(4 + rLength, -1)];
        return typeof encode === 'function' ? Uint8Array.from([...encode(r, s), 1]) : signature;
      }),
    ]),
    [
      'witness-malformed',
      's is high',
      withSignature(() =>
        der(tokenSignature(keys[0] ?? foreign, intent.sighashes[0] ?? new Uint8Array(32), true)),
      ),
    ],
    [
      'transaction-mismatch',
      'an output was raised after signing',
      edited((transaction) => {
        for (const output of transaction.outs) output.value = BigInt(output.value) + 1n;
      }),
    ],
    [
      'transaction-mismatch',
      'an output was added after signing',
      edited((transaction) => transaction.addOutput(hexToBytes(foreign.script), 294n)),
    ],
    [
      'public-key-mismatch',
      'a key is no point',
      edited((transaction) =>
        transaction.setWitness(0, [
          witnessOf(transaction)[0] ?? new Uint8Array(0),
          hexToBytes(`02${'5'.padStart(64, '0')}`),
        ]),
      ),
    ],
    [
      'public-key-mismatch',
      'another key has signed',
      edited((transaction) => {
        const rs64 = tokenSignature(foreign, intent.sighashes[0] ?? new Uint8Array(32), false);
        transaction.setWitness(0, [der(rs64), hexToBytes(foreign.publicKey)]);
      }),
    ],
    [
      'signature-invalid',
      'the signature is of another input',
      edited((transaction) => {
        const rs64 = tokenSignature(keys[0] ?? foreign, intent.sighashes[1] ?? new Uint8Array(32), false);
        transaction.setWitness(0, [der(rs64), hexToBytes(keys[0]?.publicKey ?? '')]);
      }),
    ],
  ])('%s when %s', (code, _, signed) => {
    expect(verifySignedBitcoin(signed, intent)).toMatchObject({ kind: 'refused', code });
  });

  it('transaction-mismatch when the intent says nothing of one of its inputs', () => {
    for (const less of [{ inputs: [] }, { sighashes: [] }, { sighashes: intent.sighashes.slice(0, 1) }]) {
      expect(verifySignedBitcoin(hex, { ...intent, ...less })).toMatchObject({
        code: 'transaction-mismatch',
      });
    }
  });

  it('whichever single bit is changed', () => {
    const bytes = hexToBytes(hex);
    for (let bit = 0; bit < bytes.length * 8; bit += 1) {
      const flipped = bytes.slice();
      flipped[bit >>> 3] = (flipped[bit >>> 3] ?? 0) ^ (1 << (bit & 7));
      expect(verifySignedBitcoin(bytesToHex(flipped), intent).kind).toBe('refused');
    }
  });

  it('without a throw, whatever the text is', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 200 }), fc.uint8Array({ maxLength: 300 }), (text, bytes) => {
        expect(decodeSignedBitcoin(text).kind).toBe('refused');
        expect(decodeSignedBitcoin(bytesToHex(bytes)).kind).toBe('refused');
      }),
    );
  });
});
