import { describe, expect, it } from '@jest/globals';
import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js';
import { decodeRlp, encodeRlp, Transaction } from 'ethers';
import fc from 'fast-check';
import { decodeEip1559, type EthereumDecodeCode } from './decode.js';
import { type RlpItem, readRlpList, rlpList } from './rlp.js';
import {
  ALICE,
  calldata,
  ERC20,
  MALLORY,
  NATIVE,
  rawFields,
  rawHex,
  rlpNumber,
  signingHash,
  TOKEN_CONTRACT,
  type TransactionFields,
  transferFromCalldata,
  unsignedHex,
} from './transaction.fixture.js';

const ZERO = `0x${'0'.repeat(40)}`;

describe('an unsigned type-2 transaction', () => {
  it('decodes as a native transfer when it has no data', () => {
    const hex = unsignedHex(NATIVE);
    expect(decodeEip1559(hex)).toEqual({
      kind: 'accepted',
      value: {
        family: 'ethereum',
        chainIdNumber: 31_337n,
        nonce: 7n,
        gasLimit: 21_000n,
        maxFeePerGasWei: 30_000_000_000n,
        maxPriorityFeePerGasWei: 1_000_000_000n,
        maxFeeWei: 630_000_000_000_000n,
        movement: { kind: 'native', to: ALICE, amountWei: 10n ** 18n },
        signingHash: signingHash(hex),
      },
    });
  });

  it('decodes as a token transfer when it calls transfer(address,uint256)', () => {
    expect(decodeEip1559(unsignedHex(ERC20))).toMatchObject({
      kind: 'accepted',
      value: {
        movement: { kind: 'erc20-transfer', contract: TOKEN_CONTRACT, to: ALICE, amountUnits: 2_500_000n },
      },
    });
  });

  const address = fc
    .uint8Array({ minLength: 20, maxLength: 20 })
    .filter((bytes) => bytes.some((byte) => byte > 0))
    .map((bytes) => `0x${bytesToHex(bytes)}`);
  const common = {
    chainId: fc.bigInt(1n, 2n ** 53n - 1n),
    nonce: fc.bigInt(0n, 2n ** 53n - 2n),
    maxPriorityFeePerGas: fc.bigInt(0n, 10n ** 12n),
    maxFeePerGas: fc.bigInt(10n ** 12n, 10n ** 15n),
    gasLimit: fc.bigInt(21_000n, 1_000_000n),
    to: address,
  };
  const native = fc.record({ ...common, value: fc.bigInt(0n, 2n ** 200n), data: fc.constant('0x') });
  const token = fc.record({
    ...common,
    value: fc.constant(0n),
    data: fc
      .tuple(address, fc.bigInt(0n, 2n ** 256n - 1n))
      .map(([to, amount]) => calldata('transfer', to, amount)),
  });

  it('decodes the same as ethers, and has the hash that ethers signs', () => {
    fc.assert(
      fc.property(fc.oneof(native, token), (fields: TransactionFields) => {
        const hex = unsignedHex(fields);
        const transaction = Transaction.from(`0x${hex}`);
        const decoded = decodeEip1559(hex);
        if (decoded.kind === 'refused') throw new Error(decoded.code);
        const { movement, ...intent } = decoded.value;
        expect(bytesToHex(intent.signingHash)).toBe(transaction.unsignedHash.slice(2));
        expect(intent.chainIdNumber).toBe(transaction.chainId);
        expect(intent.nonce).toBe(fields.nonce);
        expect(intent.gasLimit).toBe(transaction.gasLimit);
        expect(intent.maxFeePerGasWei).toBe(transaction.maxFeePerGas);
        expect(intent.maxPriorityFeePerGasWei).toBe(transaction.maxPriorityFeePerGas);
        expect(intent.maxFeeWei).toBe(fields.gasLimit * fields.maxFeePerGas);
        if (movement.kind === 'native') {
          expect(movement.to).toBe(transaction.to);
          expect(movement.amountWei).toBe(transaction.value);
        } else {
          expect(movement.contract).toBe(transaction.to);
          expect(calldata('transfer', movement.to, movement.amountUnits)).toBe(transaction.data);
        }
      }),
    );
  });

  it('has one encoding only: ethers writes what was accepted with the same bytes, whichever bit was changed', () => {
    let accepted = 0;
    for (const original of [hexToBytes(unsignedHex(NATIVE)), hexToBytes(unsignedHex(ERC20))]) {
      for (let bit = 0; bit < original.length * 8; bit += 1) {
        const flipped = original.slice();
        flipped[bit >>> 3] = (flipped[bit >>> 3] ?? 0) ^ (1 << (bit & 7));
        const hex = bytesToHex(flipped);
        const decoded = decodeEip1559(hex);
        if (decoded.kind === 'refused') continue;
        accepted += 1;
        expect(Transaction.from(`0x${hex}`).unsignedSerialized).toBe(`0x${hex}`);
        expect(bytesToHex(decoded.value.signingHash)).toBe(bytesToHex(signingHash(hex)));
      }
    }
    expect(accepted).toBeGreaterThan(500);
  });
});

describe('a hostile transaction is refused', () => {
  const native = (change: Partial<TransactionFields>) => rawHex(rawFields({ ...NATIVE, ...change }));
  const token = (change: Partial<TransactionFields>) => rawHex(rawFields({ ...ERC20, ...change }));
  const field = (index: number, value: string | string[]) => {
    const fields = rawFields(NATIVE);
    fields[index] = value;
    return rawHex(fields);
  };
  const plain = { to: ALICE, value: 1n, gasLimit: 21_000n, chainId: 31_337n, nonce: 7 };
  const ofType = (type: 0 | 1) =>
    Transaction.from({ ...plain, type, gasPrice: 10n ** 9n }).unsignedSerialized.slice(2);
  const authorization = ['0x7a69', TOKEN_CONTRACT.toLowerCase(), '0x', '0x', '0x01', '0x01'];

  const cases: [EthereumDecodeCode, string, string][] = [
    ['transaction-type', 'it is a legacy transaction', ofType(0)],
    ['transaction-type', 'it is of type 1', ofType(1)],
    ['transaction-type', 'it is of type 3', rawHex(rawFields(NATIVE), '03')],
    ['transaction-type', 'it is of type 5', rawHex(rawFields(NATIVE), '05')],
    ['transaction-type', 'it is of type 0x7f', rawHex(rawFields(NATIVE), '7f')],
    [
      'authorization-list',
      'it is of type 4 with an authorization list',
      rawHex([...rawFields(NATIVE), [authorization]], '04'),
    ],
    ['authorization-list', 'it is of type 4 with an empty list', rawHex([...rawFields(NATIVE), []], '04')],
    [
      'transaction-malformed',
      'an authorization list hides in type 2',
      rawHex([...rawFields(NATIVE), [authorization]]),
    ],
    [
      'access-list-not-empty',
      'it has an access list',
      rawHex([...rawFields(NATIVE).slice(0, 8), [[ALICE.toLowerCase(), []]]]),
    ],
    ['contract-creation', 'it has no destination', native({ to: '0x' })],
    ['contract-creation', 'it has no destination but code', native({ to: '0x', data: '0x6001600155' })],
    ['destination-zero', 'its destination is zero', native({ to: ZERO })],
    ['destination-zero', 'tokens go to zero', token({ data: calldata('transfer', ZERO, 1n) })],
    ['chain-id-out-of-range', 'its chain id is 0', native({ chainId: 0n })],
    ['chain-id-out-of-range', 'its chain id is 2^53', native({ chainId: 2n ** 53n })],
    ['nonce-out-of-range', 'its nonce is 2^53', native({ nonce: 2n ** 53n })],
    ['gas-limit-out-of-range', 'its gas limit is 20,999', native({ gasLimit: 20_999n })],
    ['gas-limit-out-of-range', 'its gas limit is 1,000,001', native({ gasLimit: 1_000_001n })],
    [
      'priority-fee-above-max-fee',
      'its priority fee is one wei above its fee',
      native({ maxPriorityFeePerGas: NATIVE.maxFeePerGas + 1n }),
    ],
    ['fee-out-of-range', 'its fee is absurd', native({ maxFeePerGas: 10n ** 21n + 1n })],
    ['fee-out-of-range', 'its fee is 2^256 - 1', native({ maxFeePerGas: 2n ** 256n - 1n })],
    ['amount-out-of-range', 'amount and fee overflow', native({ value: 2n ** 256n - 1n })],
    ['selector-not-allowed', 'it has one byte of data', native({ data: '0x00' })],
    ['selector-not-allowed', 'it has three bytes of the selector', native({ data: '0xa9059c' })],
    ['selector-not-allowed', 'it approves', token({ data: calldata('approve', MALLORY, 2n ** 256n - 1n) })],
    [
      'selector-not-allowed',
      'it calls transferFrom',
      token({ data: transferFromCalldata(ALICE, MALLORY, 1n) }),
    ],
    [
      'selector-not-allowed',
      'it calls with an unknown selector',
      token({ data: `0xdeadbeef${'00'.repeat(64)}` }),
    ],
    ['calldata-malformed', 'it is the selector alone', token({ data: '0xa9059cbb' })],
    ['calldata-malformed', 'a byte follows the arguments', token({ data: `${ERC20.data}00` })],
    ['calldata-malformed', 'a byte of the arguments is missing', token({ data: ERC20.data.slice(0, -2) })],
    [
      'calldata-malformed',
      'the padding of the address is not zero',
      token({ data: `${ERC20.data.slice(0, 32)}01${ERC20.data.slice(34)}` }),
    ],
    ['value-with-calldata', 'it sends a wei with a token transfer', token({ value: 1n })],
    ['already-signed', 'it is signed', rawHex([...rawFields(NATIVE), '0x01', '0x01', '0x01'])],
    ['transaction-malformed', 'a field is missing', rawHex(rawFields(NATIVE).slice(0, 8))],
    ['transaction-malformed', 'a field is added', rawHex([...rawFields(NATIVE), '0x'])],
    ['transaction-malformed', 'it has no fields', rawHex([])],
    ['transaction-malformed', 'there are 13 fields', rawHex([...rawFields(NATIVE), '0x', '0x', '0x', '0x'])],
    ['transaction-malformed', 'its destination has 19 bytes', native({ to: ALICE.slice(0, -2) })],
    ['transaction-malformed', 'its destination has 32 bytes', native({ to: `0x${'11'.repeat(32)}` })],
    ...[0, 1, 2, 3, 4, 5, 6, 7].flatMap((index): [EthereumDecodeCode, string, string][] => [
      ['transaction-malformed', `field ${index} is a list`, field(index, [])],
    ]),
    ...[0, 1, 2, 3, 4, 6].flatMap((index): [EthereumDecodeCode, string, string][] => [
      ['transaction-malformed', `number ${index} has a leading zero`, field(index, '0x0001')],
      ['transaction-malformed', `number ${index} is a zero byte`, field(index, '0x00')],
      ['transaction-malformed', `number ${index} has 33 bytes`, field(index, rlpNumber(2n ** 256n))],
    ]),
    ['transaction-malformed', 'its access list is a byte string', field(8, '0x')],
    ['transaction-malformed', 'it is empty', ''],
    ['transaction-malformed', 'it is the type byte alone', '02'],
    ['transaction-malformed', 'it has a 0x', `0x${unsignedHex(NATIVE)}`],
    ['transaction-malformed', 'it is in upper case', unsignedHex(NATIVE).toUpperCase()],
    ['transaction-malformed', 'it has half a byte', unsignedHex(NATIVE).slice(0, -1)],
    ['transaction-malformed', 'bytes follow its end', `${unsignedHex(NATIVE)}00`],
    ['transaction-malformed', 'its list is a byte string', `02b8${'38'}${'00'.repeat(56)}`],
    ['too-large', 'it has more bytes than the bound', '02'.repeat(1_025)],
  ];

  it.each(cases)('%s when %s', (code, _, hex) => {
    expect(decodeEip1559(hex)).toMatchObject({ kind: 'refused', code });
  });

  it.each([
    ['a long length where a short one would do', 'f80100'],
    ['a length with a leading zero', `f90038${'00'.repeat(56)}`],
    ['a single byte with a length', 'c28101'],
    ['a length of three bytes', `fa000038${'00'.repeat(56)}`],
    ['an item past its list', 'c28201'],
    ['a length past the end', 'f9ff'],
    ['no list', '8101'],
    ['two lists', 'c0c0'],
    ['nothing', ''],
  ])('as RLP with %s', (_, hex) => {
    expect(() => readRlpList(hexToBytes(hex))).toThrow(expect.objectContaining({ code: 'rlp-malformed' }));
  });

  it('wherever it is cut off', () => {
    for (const hex of [unsignedHex(NATIVE), unsignedHex(ERC20)]) {
      for (let length = 0; length < hex.length; length += 2) {
        expect(decodeEip1559(hex.slice(0, length))).toMatchObject({ code: 'transaction-malformed' });
      }
    }
  });

  it('without a throw, whatever the bytes or the text are', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.string({ maxLength: 100 }), (bytes, text) => {
        expect(decodeEip1559(bytesToHex(bytes)).kind).toBe('refused');
        expect(decodeEip1559(`02${bytesToHex(bytes)}`).kind).toBe('refused');
        expect(decodeEip1559(`02f8${bytesToHex(bytes)}`).kind).toBe('refused');
        expect(decodeEip1559(text).kind).toBe('refused');
      }),
      { numRuns: 500 },
    );
  });
});

describe('RLP', () => {
  const payload = fc.uint8Array({ maxLength: 300 });

  it('is written and read as ethers does', () => {
    fc.assert(
      fc.property(fc.array(payload, { maxLength: 12 }), (list) => {
        const items = list.map((bytes): RlpItem => ({ kind: 'bytes', payload: bytes }));
        const encoded = rlpList(items);
        const hex = list.map((bytes) => `0x${bytesToHex(bytes)}`);
        expect(`0x${bytesToHex(encoded)}`).toBe(encodeRlp(hex));
        expect(readRlpList(encoded)).toEqual(items);
      }),
    );
  });

  it('is accepted only in the one encoding that ethers writes', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 6 }).map((bytes) => Uint8Array.of(0xc0 + bytes.length, ...bytes)),
        (bytes) => {
          const outcome = (() => {
            try {
              return readRlpList(bytes);
            } catch {
              return undefined;
            }
          })();
          if (outcome === undefined || outcome.some(({ kind }) => kind === 'list')) return;
          const hex = `0x${bytesToHex(bytes)}`;
          expect(encodeRlp(decodeRlp(hex))).toBe(hex);
        },
      ),
      { numRuns: 1_000 },
    );
  });
});
