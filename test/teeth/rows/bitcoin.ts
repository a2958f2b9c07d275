// Teeth of Bitcoin: reading a PSBT, and comparing it with what was asked.

import { type Tooth, teethOf } from '../tooth.js';

export const BITCOIN: readonly Tooth[] = [
  ...teethOf('src/core/intents/bitcoin/decode.ts', 'src/core/intents/bitcoin/decode-refusals.spec.ts', [
    {
      code: 'too-large',
      without: 'the bound on the size of a PSBT',
      was: 'if (base64.length > Math.ceil(MAX_PSBT_BYTES / 3) * 4) {',
      becomes: 'if (false) {',
      title:
        'a hostile PSBT is refused too-large before anything is decoded when it has more bytes than the bound',
    },
    {
      code: 'psbt-malformed',
      without: 'the demand for base64 in its one spelling',
      was: 'if (btoa(binary) !== base64) return undefined;\n',
      becomes: '',
      title: 'a hostile PSBT is refused psbt-malformed when its base64 has white space',
    },
    {
      code: 'psbt-malformed',
      without: 'an answer for a container that does not read',
      was: "if (!read.ok) return refused('psbt-malformed', { reason: read.reason });\n  const psbt = read.value;",
      becomes:
        "const psbt = read.ok ? read.value : { transaction: readTransaction(hexToBytes('02000000010000000000000000000000000000000000000000000000000000000000000000000000000000000000010000000000000000000000000000'), 'none'), global: new Map(), inputs: [], outputs: [] };",
      title: 'a hostile PSBT is refused psbt-malformed when a map has 33 fields',
    },
    {
      code: 'psbt-malformed',
      without: 'an answer for what is not base64',
      was: "if (bytes === undefined) return refused('psbt-malformed', { reason: 'not canonical base64' });\n  const read = readOrReason(() => readPsbt(bytes));",
      becomes: 'const read = readOrReason(() => readPsbt(bytes ?? new Uint8Array(0)));',
      title: 'a hostile PSBT is refused psbt-malformed when it is not base64',
    },
    {
      code: 'psbt-field-not-allowed',
      without: 'the list of fields that a PSBT may have',
      was: 'if (field !== undefined) {',
      becomes: 'if (false) {',
      title: 'a hostile PSBT is refused psbt-field-not-allowed when it has a global xpub',
    },
    {
      code: 'transaction-version',
      without: 'the demand for version 2',
      was: 'if (version !== 2)',
      becomes: 'if (false)',
      title: 'a hostile PSBT is refused transaction-version when the version is 1',
    },
    {
      code: 'input-count',
      without: 'the bound on inputs',
      was: 'if (inputs.length > MAX_INPUTS)',
      becomes: 'if (false)',
      title: 'a hostile PSBT is refused input-count when there are 501 inputs',
    },
    {
      code: 'output-count',
      without: 'the bound on outputs',
      was: 'if (outputs.length > MAX_OUTPUTS)',
      becomes: 'if (false)',
      title: 'a hostile PSBT is refused output-count when there are 1,001 outputs',
    },
    {
      code: 'locktime-not-allowed',
      without: 'the ban on lock times that are timestamps',
      was: 'if (lockTime >= FIRST_TIMESTAMP_LOCK)',
      becomes: 'if (false)',
      title: 'a hostile PSBT is refused locktime-not-allowed when the lock time is a timestamp',
    },
    {
      code: 'script-sig-not-empty',
      without: 'the demand for empty scriptSigs',
      was: 'if (input.scriptSig.length > 0)',
      becomes: 'if (false)',
      title: 'a hostile PSBT is refused script-sig-not-empty when an input has a scriptSig',
    },
    {
      code: 'sequence-not-allowed',
      without: 'the demand for the one sequence',
      was: 'if (input.sequence !== SEQUENCE)',
      becomes: 'if (false)',
      title: 'a hostile PSBT is refused sequence-not-allowed when a sequence is ffffffff',
    },
    {
      code: 'input-duplicate',
      without: 'looking for an outpoint that comes twice',
      was: 'if (outpoints.has(outpoint))',
      becomes: 'if (false)',
      title: 'a hostile PSBT is refused input-duplicate when an output is spent twice',
    },
    {
      code: 'previous-transaction-missing',
      without: 'the demand for the full previous transaction',
      was: "if (bytes === undefined) return refused('previous-transaction-missing', { inputIndex });\n",
      becomes:
        'if (bytes === undefined) return accepted(readWitnessUtxo(fields.get(WITNESS_UTXO) ?? new Uint8Array(9)));\n',
      title:
        'a hostile PSBT is refused previous-transaction-missing when an input has no previous transaction',
    },
    {
      code: 'previous-transaction-malformed',
      without: 'an answer for a previous transaction that does not read',
      was: 'if (!previous.ok) {',
      becomes:
        'if (!previous.ok) return accepted(readWitnessUtxo(fields.get(WITNESS_UTXO) ?? new Uint8Array(9)));\n  if (!previous.ok) {',
      title:
        'a hostile PSBT is refused previous-transaction-malformed when a previous transaction is cut short',
    },
    {
      code: 'previous-transaction-mismatch',
      without: 'comparing the previous transaction with the outpoint',
      was: 'if (transactionId !== displayHash(input.previousHash)) {',
      becomes: 'if (false) {',
      title:
        'a hostile PSBT is refused previous-transaction-mismatch when the previous transaction is another one, with a higher amount',
    },
    {
      code: 'previous-output-missing',
      without: 'asking whether the output that is spent is there',
      was: 'return output === undefined\n    ?',
      becomes:
        'return output === undefined ? accepted(readWitnessUtxo(fields.get(WITNESS_UTXO) ?? new Uint8Array(9))) : false\n    ?',
      title:
        'a hostile PSBT is refused previous-output-missing when the outpoint names an output that is not there',
    },
    {
      code: 'witness-utxo-missing',
      without: 'the demand for a witness UTXO',
      was: "if (witnessUtxo === undefined) return refused('witness-utxo-missing', { inputIndex });\n  const stated = readOrReason(() => readWitnessUtxo(witnessUtxo));",
      becomes:
        'const stated = readOrReason(() => (witnessUtxo === undefined ? previous.value : readWitnessUtxo(witnessUtxo)));',
      title: 'a hostile PSBT is refused witness-utxo-missing when an input has no witness UTXO',
    },
    {
      code: 'witness-utxo-malformed',
      without: 'an answer for a witness UTXO that does not read',
      was: "if (!stated.ok) return refused('witness-utxo-malformed', { inputIndex, reason: stated.reason });\n  if (stated.value.amount !== amount) {",
      becomes: 'if (stated.ok && stated.value.amount !== amount) {',
      and: {
        was: 'if (bytesToHex(stated.value.script) !== script)',
        becomes: 'if (stated.ok && bytesToHex(stated.value.script) !== script)',
      },
      title: 'a hostile PSBT is refused witness-utxo-malformed when a witness UTXO has bytes after its end',
    },
    {
      code: 'input-amount-mismatch',
      without: 'comparing the stated amount with the previous transaction',
      was: 'if (stated.value.amount !== amount) {',
      becomes: 'if (false) {',
      title:
        'a hostile PSBT is refused input-amount-mismatch when the witness UTXO says one satoshi less, which would hide a fee',
    },
    {
      code: 'input-script-mismatch',
      without: 'comparing the stated script with the previous transaction',
      was: 'if (bytesToHex(stated.value.script) !== script)',
      becomes: 'if (false)',
      title: 'a hostile PSBT is refused input-script-mismatch when the witness UTXO says another script',
    },
    {
      code: 'input-script-unsupported',
      without: 'the demand that every input is P2WPKH',
      was: 'if (!isP2wpkh(script)) {',
      becomes: 'if (false) {',
      title: 'a hostile PSBT is refused input-script-unsupported when an input is P2WSH',
    },
    {
      code: 'sighash-not-all',
      without: 'the demand for SIGHASH_ALL',
      was: "if (sighashType !== undefined && bytesToHex(sighashType) !== '01000000') {",
      becomes: 'if (false) {',
      title: "a hostile PSBT is refused sighash-not-all when the sighash type field is '02000000'",
    },
    {
      code: 'amount-out-of-range',
      without: 'the bound on the amount of an input',
      was: "if (amount > MAX_SATS) return refused('amount-out-of-range', { inputIndex, amountSats: amount.toString() });\n",
      becomes: '',
      title: 'a hostile PSBT is refused amount-out-of-range when an input has more than all coins',
    },
    {
      code: 'amount-out-of-range',
      without: 'the bounds on the amount of an output and on the sums',
      was: "if (amount > MAX_SATS) return refused('amount-out-of-range', { outputIndex, amountSats });\n",
      becomes: '',
      and: { was: 'if (inSats > MAX_SATS || outSats > MAX_SATS)', becomes: 'if (false)' },
      title: 'a hostile PSBT is refused amount-out-of-range when an output has more than all coins',
    },
    {
      code: 'amount-out-of-range',
      without: 'the bound on the sums',
      was: 'if (inSats > MAX_SATS || outSats > MAX_SATS)',
      becomes: 'if (false)',
      title: 'a hostile PSBT is refused amount-out-of-range when inputs together have more than all coins',
    },
    {
      code: 'output-script-unsupported',
      without: 'the demand that every output has an address',
      was: "if (addressOfScript(script, 'mainnet') === undefined) {",
      becomes: 'if (false) {',
      and: {
        was: "if (address === undefined) return refused('output-script-unsupported', { outputIndex });\n    outputs.push({ amountSats: sats(output.amount), script, address });",
        becomes: "outputs.push({ amountSats: sats(output.amount), script, address: address ?? '' });",
      },
      title: 'a hostile PSBT is refused output-script-unsupported when an output is OP_RETURN',
    },
    {
      code: 'output-dust',
      without: 'the dust threshold',
      was: 'if (amount < dustSats(script)) {',
      becomes: 'if (false) {',
      title: 'a hostile PSBT is refused output-dust when an output is one satoshi below the dust threshold',
    },
    {
      code: 'fee-negative',
      without: 'the ban on outputs that are more than inputs',
      was: 'return outSats > inSats ?',
      becomes: 'return false ?',
      title: 'a hostile PSBT is refused fee-negative when outputs are one satoshi more than inputs',
    },
  ]),
  ...teethOf('src/core/intents/bitcoin/psbt.ts', 'src/core/intents/bitcoin/decode-refusals.spec.ts', [
    {
      code: 'psbt-malformed',
      without: 'the demand for the magic bytes',
      was: 'if (bytesToHex(reader.take(5)) !== MAGIC)',
      becomes: 'if (reader.take(5).length === 0)',
      title: 'a hostile PSBT is refused psbt-malformed when it has another magic',
    },
    {
      code: 'psbt-malformed',
      without: 'the demand for keys in ascending order',
      was: 'if (key <= last)',
      becomes: 'if (false)',
      title: 'a hostile PSBT is refused psbt-malformed when keys are not in order',
    },
    {
      code: 'psbt-malformed',
      without: 'the bound on the fields of a map',
      was: 'if (map.size === MAX_FIELDS)',
      becomes: 'if (false)',
      title: 'a hostile PSBT is refused psbt-malformed when a map has 33 fields',
    },
    {
      code: 'psbt-malformed',
      without: 'the demand that nothing follows the end',
      was: '  reader.end();\n',
      becomes: '',
      title: 'a hostile PSBT is refused psbt-malformed when bytes follow its end',
    },
  ]),
  ...teethOf('src/core/intents/bitcoin/bytes.ts', 'src/core/intents/bitcoin/decode-refusals.spec.ts', [
    {
      code: 'bytes-malformed',
      without: 'the end of the bytes, which nothing reads past',
      was: "if (count > this.left) throw malformed('unexpected end');\n",
      becomes: '',
      title:
        'a hostile PSBT is refused previous-transaction-malformed when a previous transaction is cut short',
    },
    {
      code: 'bytes-malformed',
      without: 'the demand for the shortest encoding of a length',
      was: 'if (value < least)',
      becomes: 'if (false)',
      title: 'a hostile PSBT is refused psbt-malformed when a length takes 3 bytes where 1 would do',
    },
    {
      code: 'bytes-malformed',
      without: 'the bound on a count by the bytes that are left',
      was: 'if (value * leastBytes > this.left)',
      becomes: 'if (false)',
      title: 'a hostile PSBT is refused psbt-malformed when it counts more inputs than its bytes could hold',
    },
    {
      code: 'bytes-malformed',
      without: 'the demand that nothing follows the end',
      was: 'if (this.left > 0)',
      becomes: 'if (false)',
      title:
        'a hostile PSBT is refused previous-transaction-malformed when a previous transaction has bytes after its end',
    },
  ]),
  ...teethOf('src/core/intents/bitcoin/transaction.ts', 'src/core/intents/bitcoin/decode-refusals.spec.ts', [
    {
      code: 'bytes-malformed',
      without: 'the demand for inputs',
      was: 'if (bare.length === 0)',
      becomes: 'if (false)',
      title: 'a hostile PSBT is refused psbt-malformed when there are no inputs',
    },
    {
      code: 'bytes-malformed',
      without: 'the demand for outputs',
      was: 'if (outputs.length === 0)',
      becomes: 'if (false)',
      title: 'a hostile PSBT is refused psbt-malformed when there are no outputs',
    },
    {
      code: 'bytes-malformed',
      without: 'the ban on an empty witness section',
      was: 'if (items === 0)',
      becomes: 'if (false)',
      title:
        'a hostile PSBT is refused previous-transaction-malformed when a previous transaction has an empty witness section',
    },
    {
      code: 'bytes-malformed',
      without: 'the demand for the one transaction flag',
      was: 'if (reader.uint8() !== 1)',
      becomes: 'if (reader.uint8() > 255)',
      title:
        'a hostile PSBT is refused previous-transaction-malformed when a previous transaction has another flag than that of witnesses',
    },
  ]),
  ...teethOf('src/core/intents/bitcoin/match.ts', 'src/core/intents/bitcoin/match.spec.ts', [
    {
      code: 'payments-none',
      without: 'the ban on a transaction that pays nothing',
      was: "if (payments.length === 0) return refused('payments-none');\n",
      becomes: '',
      title: 'a transaction that does anything else is refused payments-none when nothing was asked',
    },
    {
      code: 'payment-duplicate',
      without: 'looking for a transfer that comes twice',
      was: 'if (seen.has(transferId))',
      becomes: 'if (false)',
      title:
        'a transaction that does anything else is refused payment-duplicate when one transfer is asked twice',
    },
    {
      code: 'destination-own',
      without: 'the ban on paying the wallet itself',
      was: 'if (own.ownScripts.has(script.value))',
      becomes: 'if (false)',
      title:
        'a transaction that does anything else is refused destination-own when a destination is the wallet itself',
    },
    {
      code: 'input-foreign',
      without: 'the demand for inputs',
      was: "if (intent.inputs.length === 0) return refused('input-foreign', { inputs: 0 });\n",
      becomes: '',
      title:
        'a transaction that does anything else is refused input-foreign when the wallet has no scripts, or the intent no inputs',
    },
    {
      code: 'input-foreign',
      without: "the demand that every input is the wallet's own",
      was: 'if (foreign === -1)',
      becomes: 'if (true)',
      title:
        'a transaction that does anything else is refused input-foreign when an input is not the own one',
    },
    {
      code: 'amount-mismatch',
      without: 'comparing amounts',
      was: '(output) => output.script === payment.script && output.amountSats === payment.amount,',
      becomes: '(output) => output.script === payment.script,',
      title:
        'a transaction that does anything else is refused amount-mismatch when an amount is one satoshi more',
    },
    {
      code: 'destination-mismatch',
      without: 'comparing destinations',
      was: '(output) => output.script === payment.script && output.amountSats === payment.amount,',
      becomes: '(output) => output.amountSats === payment.amount,',
      title:
        'a transaction that does anything else is refused destination-mismatch when the destination was swapped',
    },
    {
      code: 'payment-missing',
      without: 'the demand that every transfer is paid',
      was: 'if (firstUnpaid) return missing(firstUnpaid, rest);\n',
      becomes: '',
      title: 'a transaction that does anything else is refused payment-missing when a payment is left out',
    },
    {
      code: 'output-unexpected',
      without: 'the ban on outputs that nobody asked for',
      was: 'if (foreign) {',
      becomes: 'if (false) {',
      title:
        'a transaction that does anything else is refused output-unexpected when there is one output more',
    },
    {
      code: 'change-multiple',
      without: 'the bound on change outputs',
      was: 'if (rest.length > 1)',
      becomes: 'if (false)',
      title: 'a transaction that does anything else is refused change-multiple when change is split',
    },
    {
      code: 'fee-above-ceiling',
      without: 'the ceiling of the fee',
      was: 'if (intent.feeSats <= ceiling)',
      becomes: 'if (true)',
      title:
        'a transaction that does anything else is refused fee-above-ceiling when the fee is one satoshi above the sum of the ceilings',
    },
    {
      code: 'cancel-not-to-self',
      without: 'the demand that a cancel pays the wallet alone',
      was: 'if (intent.outputs.length !== 1 || !output || !own.ownScripts.has(output.script)) {',
      becomes: 'if (!output) {',
      title: 'a cancel is refused with cancel-not-to-self when it pays somebody else',
    },
  ]),
  ...teethOf('src/core/intents/bitcoin/address.ts', 'src/core/intents/bitcoin/address.spec.ts', [
    {
      code: 'destination-invalid',
      without: 'an answer for what is no address',
      was: 'return script === undefined\n    ?',
      becomes: 'return false\n    ?',
      title:
        'Bitcoin addresses (BIP-173, BIP-350, Base58Check) refuses bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4 away from mainnet',
    },
    {
      code: 'destination-invalid',
      without: 'the demand that a taproot key is a point',
      was: 'data.length === 32 && isXOnlyPoint(data)',
      becomes: 'data.length === 32',
      title: 'Bitcoin addresses (BIP-173, BIP-350, Base58Check) refuses a taproot key that is no point',
    },
    {
      code: 'destination-invalid',
      without: 'the demand for the prefix of the network',
      was: 'if (version === PREFIXES[network].p2pkh)',
      becomes: 'if (version === 0x00 || version === 0x6f)',
      and: { was: 'addressOfScript(script, network) === address ? script', becomes: 'true ? script' },
      title:
        'Bitcoin addresses (BIP-173, BIP-350, Base58Check) refuses 1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa away from mainnet',
    },
  ]),
];
