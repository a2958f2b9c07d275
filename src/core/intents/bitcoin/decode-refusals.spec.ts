import { describe, expect, it } from '@jest/globals';
import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js';
import { Psbt } from 'bitcoinjs-lib';
import fc from 'fast-check';
import { type BitcoinDecodeCode, decodePsbt, MAX_PSBT_BYTES } from './decode.js';
import {
  type Draft,
  draftOf,
  inputOf,
  previousTransaction,
  psbtBytes,
  psbtOf,
  testKey,
  toBase64,
  witnessUtxo,
} from './psbt.fixture.js';

const own = testKey('own');
const foreign = testKey('foreign');
const coin = { script: own.script, sats: 100_000n };
const p2wsh = `0020${'ab'.repeat(32)}`;

function honest(): Draft {
  return draftOf(
    [coin, { script: own.script, sats: 50_000n }],
    [
      { script: foreign.script, sats: 120_000n },
      { script: own.script, sats: 29_000n },
    ],
  );
}

function withInput(change: (input: Draft['inputs'][number], draft: Draft) => void): Draft {
  const draft = honest();
  const [input] = draft.inputs;
  if (input) change(input, draft);
  return draft;
}

function withOutput(change: (output: Draft['outputs'][number]) => void): Draft {
  const draft = honest();
  const [output] = draft.outputs;
  if (output) change(output);
  return draft;
}

const expectRefused = (base64: string, code: BitcoinDecodeCode) =>
  expect(decodePsbt(base64, 'regtest')).toMatchObject({ kind: 'refused', code });

describe('a hostile PSBT is refused', () => {
  const cases: [BitcoinDecodeCode, string, () => Draft][] = [
    ['transaction-version', 'the version is 1', () => ({ ...honest(), version: 1 })],
    ['transaction-version', 'the version is 3', () => ({ ...honest(), version: 3 })],
    ['locktime-not-allowed', 'the lock time is a timestamp', () => ({ ...honest(), lockTime: 500_000_000 })],
    [
      'input-count',
      'there are 501 inputs',
      () =>
        draftOf(
          Array.from({ length: 501 }, () => coin),
          [{ script: p2wsh, sats: 1_000n }],
        ),
    ],
    [
      'output-count',
      'there are 1,001 outputs',
      () =>
        draftOf(
          [{ ...coin, sats: 10_000_000n }],
          Array.from({ length: 1_001 }, () => ({ script: p2wsh, sats: 330n })),
        ),
    ],
    [
      'script-sig-not-empty',
      'an input has a scriptSig',
      () =>
        withInput((input) => {
          input.scriptSig = Uint8Array.of(0x51);
        }),
    ],
    ...[0xffffffff, 0xfffffffe, 0xfffffffc, 0].map((sequence): [BitcoinDecodeCode, string, () => Draft] => [
      'sequence-not-allowed',
      `a sequence is ${sequence.toString(16)}`,
      () =>
        withInput((input) => {
          input.sequence = sequence;
        }),
    ]),
    [
      'input-duplicate',
      'an output is spent twice',
      () =>
        withInput((input, draft) => {
          draft.inputs.push({ ...input });
        }),
    ],
    [
      'previous-transaction-missing',
      'an input has no previous transaction',
      () =>
        withInput((input) => {
          delete input.fields['00'];
        }),
    ],
    [
      'previous-transaction-malformed',
      'a previous transaction is cut short',
      () =>
        withInput((input) => {
          input.fields['00'] = input.fields['00']?.slice(0, -2) ?? '';
        }),
    ],
    [
      'previous-transaction-malformed',
      'a previous transaction has bytes after its end',
      () =>
        withInput((input) => {
          input.fields['00'] += '00';
        }),
    ],
    [
      'previous-transaction-malformed',
      'a previous transaction has an empty witness section',
      () =>
        withInput((input) => {
          const hex = input.fields['00'] ?? '';
          input.fields['00'] = `${hex.slice(0, 8)}0001${hex.slice(8, -8)}00${hex.slice(-8)}`;
        }),
    ],
    [
      'previous-transaction-malformed',
      'a previous transaction has another flag than that of witnesses',
      () =>
        withInput((input) => {
          const hex = input.fields['00'] ?? '';
          input.fields['00'] = `${hex.slice(0, 8)}0002${hex.slice(8, -8)}0101aa${hex.slice(-8)}`;
        }),
    ],
    [
      'previous-transaction-mismatch',
      'the previous transaction is another one, with a higher amount',
      () =>
        withInput((input) => {
          const raised = inputOf(previousTransaction([{ ...coin, sats: 900_000n }], 0), 0);
          input.fields = raised.fields;
        }),
    ],
    [
      'previous-output-missing',
      'the outpoint names an output that is not there',
      () =>
        withInput((input) => {
          input.index = 1;
        }),
    ],
    [
      'witness-utxo-missing',
      'an input has no witness UTXO',
      () =>
        withInput((input) => {
          delete input.fields['01'];
        }),
    ],
    [
      'witness-utxo-malformed',
      'a witness UTXO has bytes after its end',
      () =>
        withInput((input) => {
          input.fields['01'] += '00';
        }),
    ],
    [
      'input-amount-mismatch',
      'the witness UTXO says one satoshi less, which would hide a fee',
      () =>
        withInput((input) => {
          input.fields['01'] = witnessUtxo({ ...coin, sats: 99_999n });
        }),
    ],
    [
      'input-script-mismatch',
      'the witness UTXO says another script',
      () =>
        withInput((input) => {
          input.fields['01'] = witnessUtxo({ ...coin, script: foreign.script });
        }),
    ],
    ...[
      ['P2WSH', p2wsh],
      ['taproot', `5120${'79'.repeat(32)}`],
      ['P2PKH', `76a914${'00'.repeat(20)}88ac`],
      ['P2SH', `a914${'00'.repeat(20)}87`],
    ].map(([name, script = '']): [BitcoinDecodeCode, string, () => Draft] => [
      'input-script-unsupported',
      `an input is ${name}`,
      () => draftOf([{ script, sats: 100_000n }], [{ script: p2wsh, sats: 90_000n }]),
    ]),
    ...['02000000', '03000000', '81000000', '00000000', '01000001', '01', ''].map(
      (type): [BitcoinDecodeCode, string, () => Draft] => [
        'sighash-not-all',
        `the sighash type field is '${type}'`,
        () =>
          withInput((input) => {
            input.fields['03'] = type;
          }),
      ],
    ),
    [
      'output-script-unsupported',
      'an output is OP_RETURN',
      () =>
        withOutput((output) => {
          output.script = '6a0401020304';
        }),
    ],
    [
      'output-script-unsupported',
      'an output is of witness version 2',
      () =>
        withOutput((output) => {
          output.script = `5220${'00'.repeat(32)}`;
        }),
    ],
    [
      'output-dust',
      'an output is one satoshi below the dust threshold',
      () =>
        withOutput((output) => {
          output.sats = 293n;
        }),
    ],
    [
      'amount-out-of-range',
      'an output has more than all coins',
      () =>
        withOutput((output) => {
          output.sats = 2_100_000_000_000_001n;
        }),
    ],
    [
      'amount-out-of-range',
      'an input has more than all coins',
      () => draftOf([{ ...coin, sats: 2_100_000_000_000_001n }], [coin]),
    ],
    [
      'amount-out-of-range',
      'inputs together have more than all coins',
      () => draftOf([{ ...coin, sats: 2_100_000_000_000_000n }, coin], [coin]),
    ],
    [
      'fee-negative',
      'outputs are one satoshi more than inputs',
      () =>
        withOutput((output) => {
          output.sats = 121_001n;
        }),
    ],
    ...(
      [
        ['a global xpub', '01'.padEnd(158, '0')],
        ['a PSBT version', 'fb'],
        ['a proprietary global field', 'fc0101'],
        ['an unknown global field', '5501'],
      ] as const
    ).map(([name, key]): [BitcoinDecodeCode, string, () => Draft] => [
      'psbt-field-not-allowed',
      `it has ${name}`,
      () => ({ ...honest(), globalFields: { [key]: '00000000' } }),
    ]),
    ...(
      [
        ['a partial signature', `02${own.publicKey}`],
        ['a redeem script', '04'],
        ['a witness script', '05'],
        ['a BIP-32 derivation', `06${own.publicKey}`],
        ['a final scriptSig', '07'],
        ['a final witness', '08'],
        ['a proof-of-reserves commitment', '09'],
        ['a taproot key signature', '13'],
        ['a taproot internal key', '17'],
        ['a proprietary field', 'fc0101'],
        ['a sighash type with key data', '0300'],
      ] as const
    ).map(([name, key]): [BitcoinDecodeCode, string, () => Draft] => [
      'psbt-field-not-allowed',
      `an input has ${name}`,
      () =>
        withInput((input) => {
          input.fields[key] = '01000000';
        }),
    ]),
    ...['00', '01', `02${own.publicKey}`, 'fc0101'].map((key): [BitcoinDecodeCode, string, () => Draft] => [
      'psbt-field-not-allowed',
      `an output has field ${key.slice(0, 6)}`,
      () =>
        withOutput((output) => {
          output.fields[key] = '00';
        }),
    ]),
    [
      'psbt-malformed',
      'a map has 33 fields',
      () =>
        withInput((input) => {
          for (let key = 0; key < 33; key += 1) input.fields[`f0${key.toString(16).padStart(2, '0')}`] = '';
        }),
    ],
    ['psbt-malformed', 'there are no inputs', () => ({ ...honest(), inputs: [] })],
    ['psbt-malformed', 'there are no outputs', () => ({ ...honest(), outputs: [] })],
  ];

  it.each(cases)('%s when %s', (code, _, draft) => {
    expectRefused(psbtOf(draft()), code);
  });

  const bytes = psbtBytes(honest());
  const hex = bytesToHex(bytes);
  const ofHex = (text: string) => toBase64(hexToBytes(text));
  const fields = honest().inputs[0]?.fields ?? {};

  it.each([
    ['it is empty', '', 'unexpected end'],
    ['it is not base64', '####', 'not canonical base64'],
    ['its base64 has white space', `${toBase64(bytes)}\n`, 'not canonical base64'],
    ['its base64 has no padding', 'cHNidP8', 'not canonical base64'],
    ['its base64 has stray bits', 'cHNidP9=', 'not canonical base64'],
    ['it has another magic', ofHex(`70736275ff${hex.slice(10)}`), 'magic bytes missing'],
    ['bytes follow its end', ofHex(`${hex}00`), 'bytes after the end'],
    ['the unsigned transaction is missing', ofHex('70736274ff00'), 'unsigned transaction missing'],
    [
      'a length takes 3 bytes where 1 would do',
      ofHex(`70736274fffd0100${hex.slice(12)}`),
      'length is not in its shortest encoding',
    ],
    [
      'a length takes 9 bytes',
      ofHex('70736274ffff0100000000000000'),
      'length is not in its shortest encoding',
    ],
    [
      'it counts more inputs than its bytes could hold',
      ofHex('70736274ff01000902000000fe0000010000'),
      'more items than bytes',
    ],
    [
      'keys are not in order',
      ofHex(
        hex.replace(
          `0100${lengthHex(fields['00'])}${fields['00']}0101${lengthHex(fields['01'])}${fields['01']}`,
          `0101${lengthHex(fields['01'])}${fields['01']}0100${lengthHex(fields['00'])}${fields['00']}`,
        ),
      ),
      'keys of a map are not in ascending order',
    ],
    [
      'a key is there twice',
      ofHex(
        hex.replace(
          `0101${lengthHex(fields['01'])}${fields['01']}`,
          `0101${lengthHex(fields['01'])}${fields['01']}`.repeat(2),
        ),
      ),
      'keys of a map are not in ascending order',
    ],
  ])('psbt-malformed when %s', (_, base64, reason) => {
    expect(decodePsbt(base64, 'regtest')).toMatchObject({ code: 'psbt-malformed', facts: { reason } });
  });

  function lengthHex(value = ''): string {
    return (value.length / 2).toString(16).padStart(2, '0');
  }

  it('too-large before anything is decoded when it has more bytes than the bound', () => {
    expectRefused(toBase64(new Uint8Array(MAX_PSBT_BYTES + 3)), 'too-large');
    expectRefused(toBase64(new Uint8Array(MAX_PSBT_BYTES)), 'psbt-malformed');
  });

  it('psbt-malformed wherever it is cut off', () => {
    for (let length = 0; length < bytes.length; length += 1) {
      expectRefused(toBase64(bytes.slice(0, length)), 'psbt-malformed');
    }
  });

  it('without a throw, whatever the bytes or the text are', () => {
    const tail = fc.uint8Array({ maxLength: 400 });
    fc.assert(
      fc.property(tail, fc.nat(bytes.length), fc.string({ maxLength: 200 }), (garbage, at, text) => {
        const spliced = Uint8Array.from([...bytes.slice(0, at), ...garbage]);
        fc.pre(bytesToHex(spliced) !== hex);
        expect(decodePsbt(toBase64(garbage), 'mainnet').kind).toBe('refused');
        expect(decodePsbt(text, 'mainnet').kind).toBe('refused');
        expect(['refused', 'accepted']).toContain(decodePsbt(toBase64(spliced), 'mainnet').kind);
      }),
      { numRuns: 300 },
    );
  });

  it('or has one encoding only: bitcoinjs-lib writes what was accepted with the same bytes', () => {
    for (let bit = 0; bit < bytes.length * 8; bit += 1) {
      const flipped = bytes.slice();
      const at = bit >>> 3;
      flipped[at] = (flipped[at] ?? 0) ^ (1 << (bit & 7));
      const base64 = toBase64(flipped);
      if (decodePsbt(base64, 'regtest').kind === 'accepted') {
        expect(Psbt.fromBase64(base64).toBase64()).toBe(base64);
      }
    }
  });
});
