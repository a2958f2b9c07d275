// Teeth of signed transactions: putting one together, and reading it back before it leaves.

import { type Tooth, teethOf } from '../tooth.js';

export const SIGNED_TRANSACTIONS: readonly Tooth[] = [
  ...teethOf('src/signer/signing.ts', 'src/signer/signing.spec.ts', [
    {
      code: 'signed-refused',
      without: 'telling what the token signed wrongly in a Bitcoin transaction',
      was: "verified('signed-refused', () =>",
      becomes: "verified('unsigned-refused', () =>",
      test: 'src/signer/signing-bitcoin.spec.ts',
      title:
        'signatures over a transaction as it was read before stay in the process with signature-invalid when another key made one',
    },
    {
      code: 'recovery-id-none',
      without: 'telling what the token signed wrongly in an Ethereum transaction',
      was: "verified('recovery-id-none', () =>",
      becomes: "verified('unsigned-refused', () =>",
      title:
        'a signature from the token stays in the process with signature-invalid when another key made it',
    },
    {
      code: 'transaction-kind',
      without: 'the demand for one signature of an Ethereum transaction',
      was: 'if (!item || !signature || toSign.length !== 1) {',
      becomes: 'if (!item || !signature) {',
      title: 'a signature from the token is exactly one for an Ethereum transaction (transaction-kind)',
    },
    {
      code: 'signature-invalid',
      without: 'an answer for what the token signed and does not verify',
      was: 'if (!(cause instanceof Fault) || cause.code !== code) throw cause;',
      becomes: 'if (cause instanceof Error) throw cause;',
      title:
        'a signature from the token stays in the process with signature-invalid when another key made it',
    },
  ]),
  ...teethOf('src/core/intents/bitcoin/assemble.ts', 'src/core/intents/bitcoin/assemble.spec.ts', [
    {
      code: 'unsigned-refused',
      without: 'the demand that the PSBT is one that may be signed',
      was: "if (unsigned.kind === 'refused') {",
      becomes: "if (unsigned.kind === 'refused') return { hex: '', transactionId: '' };\n  if (false) {",
      title: 'assembling is refused unsigned-refused when the PSBT is not one',
    },
    {
      code: 'signature-count',
      without: 'the demand for one signature an input',
      was: 'if (signatures.length !== transaction.inputs.length) {',
      becomes: 'if (false) {',
      title: 'assembling is refused signature-count when a signature is missing',
    },
    {
      code: 'signed-refused',
      without: 'verifying what was put together',
      was: "if (verified.kind === 'refused') {",
      becomes: 'if (false) {',
      title: 'assembling is refused signed-refused when signatures are exchanged',
    },
    {
      code: 'signed-malformed',
      without: 'the bound on the letters of a signed transaction',
      was: 'if (hex.length > MAX_SIGNED_BYTES * 2 || !/^(?:[0-9a-f]{2})+$/.test(hex)) {',
      becomes: 'if (false) {',
      title: 'a signed transaction from elsewhere is refused signed-malformed when it is no hex',
    },
    {
      code: 'signed-malformed',
      without: 'an answer for a signed transaction that does not read',
      was: "if (!read.ok) return refused('signed-malformed', { reason: read.reason });\n",
      becomes:
        "if (!read.ok) return accepted({ transactionId: '', version: 2, lockTime: 0, inputs: [], outputs: [] });\n",
      title: 'a signed transaction from elsewhere is refused signed-malformed when it is cut off',
    },
    {
      code: 'signed-malformed',
      without: 'the demand for empty scriptSigs',
      was: 'if (input.scriptSig.length > 0) {',
      becomes: 'if (false) {',
      title: 'a signed transaction from elsewhere is refused signed-malformed when an input has a scriptSig',
    },
    {
      code: 'witness-malformed',
      without: 'the demand for a witness of signature and key',
      was: 'if (witness.length !== 2 || signature === undefined || key === undefined || key.length !== 33) {',
      becomes: 'if (signature === undefined || key === undefined) {',
      title:
        'a signed transaction from elsewhere is refused witness-malformed when a witness has an item more',
    },
    {
      code: 'witness-malformed',
      without: 'the demand for SIGHASH_ALL',
      was: 'if (signature.at(-1) !== SIGHASH_ALL) return undefined;\n',
      becomes: '',
      title: 'a signed transaction from elsewhere is refused witness-malformed when the sighash byte is NONE',
    },
    {
      code: 'witness-malformed',
      without: 'the demand for low s',
      was: 'return isLowS(rs64) ? rs64 : undefined;',
      becomes: 'return rs64;',
      title: 'a signed transaction from elsewhere is refused witness-malformed when s is high',
    },
    {
      code: 'witness-malformed',
      without: 'an answer for a witness that does not read',
      was: "if (signature === undefined) return refused('witness-malformed', { inputIndex });\n",
      becomes: '',
      title: 'a signed transaction from elsewhere is refused witness-malformed when an input has no witness',
    },
    {
      code: 'transaction-mismatch',
      without: 'comparing the signed transaction with the intent',
      was: 'if (transactionId !== intent.transactionId || inputs.length !== intent.inputs.length) {',
      becomes: 'if (false) {',
      title:
        'a signed transaction from elsewhere is refused transaction-mismatch when an output was raised after signing',
    },
    {
      code: 'transaction-mismatch',
      without: 'the demand that the intent says what each input spends',
      was: "if (spent === undefined || digest === undefined) return refused('transaction-mismatch', { inputIndex });\n",
      becomes: 'if (spent === undefined || digest === undefined) continue;\n',
      title:
        'a signed transaction from elsewhere is refused transaction-mismatch when the intent says nothing of one of its inputs',
    },
    {
      code: 'public-key-mismatch',
      without: "the demand that the owner's key signed",
      was: 'if (scripts.get(publicKey) !== spent.script) {',
      becomes: 'if (false) {',
      title: 'a signed transaction from elsewhere is refused public-key-mismatch when a key is no point',
    },
    {
      code: 'signature-invalid',
      without: 'verifying the signature of an input',
      was: 'if (!verifyDigest(publicKey, digest, rs64, curve))',
      becomes: 'if (false)',
      title:
        'a signed transaction from elsewhere is refused signature-invalid when the signature is of another input',
    },
  ]),
  ...teethOf('src/core/intents/ecdsa.ts', 'src/core/intents/ecdsa.spec.ts', [
    {
      code: 'signature-malformed',
      without: 'the range of r and s',
      was: 'if (rs64.length !== 64 || !inRange(rs64.subarray(0, 32)) || !inRange(s)) {',
      becomes: 'if (false) {',
      title: 'signatures from a token refuses a signature with 63 bytes',
    },
    {
      code: 'public-key-malformed',
      without: 'the demand that a public key is a point',
      was: 'if (bytes === undefined || !curve.isPoint(bytes)) {',
      becomes: 'if (bytes === undefined) {',
      title: 'signatures from a token refuses an x that is on no point as a public key',
    },
    {
      code: 'recovery-id-none',
      without: 'the demand that one of the two recovery ids fits',
      was: "throw new Fault<EcdsaFaultCode>('recovery-id-none', 'the signature is not by this key over this digest');",
      becomes: 'return 0;',
      title: 'signatures from a token are refused as they are when s is high',
    },
  ]),
  ...teethOf('src/core/intents/ethereum/assemble.ts', 'src/core/intents/ethereum/assemble.spec.ts', [
    {
      code: 'unsigned-refused',
      without: 'the demand that nothing is signed yet',
      was: 'if (unsigned.length !== 9 || signature.length > 0) {',
      becomes: 'if (unsigned.length !== 9) {',
      title: 'assembling is refused unsigned-refused when the transaction is signed already',
    },
    {
      code: 'unsigned-refused',
      without: 'the demand for nine fields',
      was: 'if (unsigned.length !== 9 || signature.length > 0) {',
      becomes: 'if (signature.length > 0) {',
      title: 'assembling is refused unsigned-refused when a field is missing',
    },
    {
      code: 'signature-malformed',
      without: 'the demand for low s when it is put together',
      was: 'if (!isLowS(rs64)) {',
      becomes: 'if (false) {',
      title: 'assembling is refused signature-malformed when s is high',
    },
    {
      code: 'signed-malformed',
      without: 'an answer for what is no type-2 transaction',
      was: "if (fields.kind === 'refused') return refused('signed-malformed', { ...fields.facts, reason: fields.code });",
      becomes:
        "if (fields.kind === 'refused') return accepted({ transactionId: '', yParity: 0, rs64: new Uint8Array(64) });",
      title: 'a signed transaction from elsewhere is refused signed-malformed when it is empty',
    },
    {
      code: 'signed-malformed',
      without: 'the demand for twelve fields',
      was: 's === undefined || more.length > 0) {',
      becomes: 's === undefined) {',
      title: 'a signed transaction from elsewhere is refused signed-malformed when a field is added',
    },
    {
      code: 'signed-malformed',
      without: 'the one encoding of a signature',
      was: 'if (!flawless || !isTrimmed(r) || !isTrimmed(s)) {',
      becomes: 'if (!isTrimmed(r) || !isTrimmed(s)) {',
      title: 'a signed transaction from elsewhere is refused signed-malformed when the parity is 2',
    },
    {
      code: 'signed-malformed',
      without: 'the one encoding of r and s',
      was: 'if (!flawless || !isTrimmed(r) || !isTrimmed(s)) {',
      becomes: 'if (!flawless) {',
      title: 'a signed transaction from elsewhere is refused signed-malformed when r has a leading zero',
    },
    {
      code: 'signed-malformed',
      without: 'the demand for low s',
      was: 'if (!isLowS(rs64))\n',
      becomes: 'if (false)\n',
      title: 'a signed transaction from elsewhere is refused signed-malformed when r is zero',
    },
    {
      code: 'transaction-mismatch',
      without: 'comparing the signed transaction with the intent',
      was: 'if (bytesToHex(digest) !== bytesToHex(intent.signingHash)) {',
      becomes: 'if (false) {',
      title: 'a signed transaction from elsewhere is refused transaction-mismatch when it pays one wei more',
    },
    {
      code: 'signature-invalid',
      without: "the demand that the wallet's key signed",
      was: 'if (publicKey === undefined || addressOfPublicKey(bytesToHex(publicKey)) !== address) {',
      becomes: 'if (publicKey === undefined) {',
      title:
        'a signed transaction from elsewhere is refused signature-invalid when the parity is the other one',
    },
  ]),
];
