// Teeth of Ethereum: reading a type-2 transaction, and comparing it with what was asked.

import { type Tooth, teethOf } from '../tooth.js';

export const ETHEREUM: readonly Tooth[] = [
  ...teethOf('src/core/intents/ethereum/decode.ts', 'src/core/intents/ethereum/decode.spec.ts', [
    {
      code: 'too-large',
      without: 'the bound on the size of a transaction',
      was: 'if (hex.length > MAX_TRANSACTION_BYTES * 2)',
      becomes: 'if (false)',
      title: 'a hostile transaction is refused too-large when it has more bytes than the bound',
    },
    {
      code: 'transaction-malformed',
      without: 'the demand for lower-case hex',
      was: 'if (!/^(?:[0-9a-f]{2})+$/.test(hex)) {',
      becomes: 'if (hex.length === 0 || hex.length % 2 === 1) {',
      title: 'a hostile transaction is refused transaction-malformed when it has a 0x',
    },
    {
      code: 'authorization-list',
      without: 'the ban on type 4',
      was: "if (type === EIP7702_TYPE) return refused('authorization-list', { type });\n  if (type !== EIP1559_TYPE) return",
      becomes: 'if (type !== EIP1559_TYPE && type !== EIP7702_TYPE) return',
      title:
        'a hostile transaction is refused authorization-list when it is of type 4 with an authorization list',
    },
    {
      code: 'transaction-type',
      without: 'the demand for type 2',
      was: 'if (type !== EIP1559_TYPE)',
      becomes: 'if (false)',
      title: 'a hostile transaction is refused transaction-type when it is a legacy transaction',
    },
    {
      code: 'transaction-malformed',
      without: 'an answer for RLP that does not read',
      was: "if (error instanceof Fault && error.code === 'rlp-malformed') {",
      becomes: 'if (error === undefined) {',
      title: 'a hostile transaction is refused transaction-malformed when it is the type byte alone',
    },
    {
      code: 'selector-not-allowed',
      without: 'the one selector that may be called',
      was: 'if (selector !== TRANSFER_SELECTOR)',
      becomes: 'if (false)',
      title: 'a hostile transaction is refused selector-not-allowed when it has one byte of data',
    },
    {
      code: 'calldata-malformed',
      without: 'the length of the arguments and the zeros before the recipient',
      was: 'if (data.length !== CALLDATA_BYTES || !isZero(data.subarray(4, 16))) {',
      becomes: 'if (false) {',
      title: 'a hostile transaction is refused calldata-malformed when it is the selector alone',
    },
    {
      code: 'value-with-calldata',
      without: 'the ban on coins sent along with a call',
      was: 'if (value !== 0n)',
      becomes: 'if (false)',
      title: 'a hostile transaction is refused value-with-calldata when it sends a wei with a token transfer',
    },
    {
      code: 'destination-zero',
      without: 'the ban on tokens to the zero address',
      was: 'if (isZero(recipient))',
      becomes: 'if (false)',
      title: 'a hostile transaction is refused destination-zero when tokens go to zero',
    },
    {
      code: 'contract-creation',
      without: 'the ban on contract creation',
      was: "if (to.length === 0) return refused('contract-creation');\n  if (to.length !== 20)",
      becomes: 'if (to.length !== 20 && to.length !== 0)',
      title: 'a hostile transaction is refused contract-creation when it has no destination',
    },
    {
      code: 'transaction-malformed',
      without: 'the demand that a destination has 20 bytes',
      was: 'if (to.length !== 20)',
      becomes: 'if (false)',
      title: 'a hostile transaction is refused transaction-malformed when its destination has 19 bytes',
    },
    {
      code: 'destination-zero',
      without: 'the ban on coins to the zero address',
      was: 'if (isZero(to))',
      becomes: 'if (false)',
      title: 'a hostile transaction is refused destination-zero when its destination is zero',
    },
    {
      code: 'already-signed',
      without: 'the ban on what is signed already',
      was: "if (signature.length === 3) return refused('already-signed');\n  if (unsigned.length !== 9 || signature.length > 0) {",
      becomes: 'if (unsigned.length !== 9 || (signature.length > 0 && signature.length !== 3)) {',
      title: 'a hostile transaction is refused already-signed when it is signed',
    },
    {
      code: 'transaction-malformed',
      without: 'the demand for nine fields',
      was: 'if (unsigned.length !== 9 || signature.length > 0) {',
      becomes: 'if (unsigned.length !== 9) {',
      title:
        'a hostile transaction is refused transaction-malformed when an authorization list hides in type 2',
    },
    {
      code: 'transaction-malformed',
      without: 'the kinds of the fields',
      was: "    accessList?.kind !== 'list'\n",
      becomes: '    accessList === undefined\n',
      title: 'a hostile transaction is refused transaction-malformed when its access list is a byte string',
    },
    {
      code: 'transaction-malformed',
      without: 'the one encoding of a number',
      was: "if (item?.kind !== 'bytes' || item.payload.length > 32 || item.payload[0] === 0) return undefined;",
      becomes: "if (item?.kind !== 'bytes' || item.payload.length > 32) return undefined;",
      title: 'a hostile transaction is refused transaction-malformed when number 0 has a leading zero',
    },
    {
      code: 'transaction-malformed',
      without: 'the width of a number',
      was: "if (item?.kind !== 'bytes' || item.payload.length > 32 || item.payload[0] === 0) return undefined;",
      becomes: "if (item?.kind !== 'bytes' || item.payload[0] === 0) return undefined;",
      title: 'a hostile transaction is refused transaction-malformed when number 0 has 33 bytes',
    },
    {
      code: 'access-list-not-empty',
      without: 'the ban on access lists',
      was: 'if (accessList.payload.length > 0)',
      becomes: 'if (false)',
      title: 'a hostile transaction is refused access-list-not-empty when it has an access list',
    },
    {
      code: 'chain-id-out-of-range',
      without: 'the range of a chain id',
      was: 'if (chainIdNumber < 1n || chainIdNumber > MAX_SAFE) {',
      becomes: 'if (false) {',
      title: 'a hostile transaction is refused chain-id-out-of-range when its chain id is 0',
    },
    {
      code: 'nonce-out-of-range',
      without: 'the range of a nonce',
      was: 'if (nonce > MAX_SAFE)',
      becomes: 'if (false)',
      title: 'a hostile transaction is refused nonce-out-of-range when its nonce is 2^53',
    },
    {
      code: 'gas-limit-out-of-range',
      without: 'the least gas',
      was: 'if (gasLimit < MIN_GAS_LIMIT || gasLimit > MAX_GAS_LIMIT) {',
      becomes: 'if (gasLimit > MAX_GAS_LIMIT) {',
      title: 'a hostile transaction is refused gas-limit-out-of-range when its gas limit is 20,999',
    },
    {
      code: 'gas-limit-out-of-range',
      without: 'the most gas',
      was: 'if (gasLimit < MIN_GAS_LIMIT || gasLimit > MAX_GAS_LIMIT) {',
      becomes: 'if (gasLimit < MIN_GAS_LIMIT) {',
      title: 'a hostile transaction is refused gas-limit-out-of-range when its gas limit is 1,000,001',
    },
    {
      code: 'fee-out-of-range',
      without: 'the bound on the fee for a unit of gas',
      was: 'if (maxFee > MAX_FEE_PER_GAS)',
      becomes: 'if (false)',
      title: 'a hostile transaction is refused fee-out-of-range when its fee is absurd',
    },
    {
      code: 'priority-fee-above-max-fee',
      without: 'comparing priority fee and fee',
      was: 'if (priorityFee > maxFee) {',
      becomes: 'if (false) {',
      title:
        'a hostile transaction is refused priority-fee-above-max-fee when its priority fee is one wei above its fee',
    },
    {
      code: 'amount-out-of-range',
      without: 'the bound on amount and fee together',
      was: 'if (value > MAX_UINT256 - maxFeeWei) {',
      becomes: 'if (false) {',
      title: 'a hostile transaction is refused amount-out-of-range when amount and fee overflow',
    },
  ]),
  ...teethOf('src/core/intents/ethereum/rlp.ts', 'src/core/intents/ethereum/decode.spec.ts', [
    {
      code: 'rlp-malformed',
      without: 'the shortest encoding of a length',
      was: 'if (bytes[at] === 0 || length < 56)',
      becomes: 'if (false)',
      title: 'a hostile transaction is refused as RLP with a long length where a short one would do',
    },
    {
      code: 'rlp-malformed',
      without: 'an end of the bytes before an item',
      was: "if (first === undefined) throw malformed('unexpected end');\n",
      becomes:
        "if (first === undefined) return { item: { kind: 'list', payload: bytes.subarray(0, 0) }, next: at };\n",
      title: 'a hostile transaction is refused as RLP with nothing',
    },
    {
      code: 'rlp-malformed',
      without: 'an end of the bytes within an item',
      was: 'if (next > bytes.length)',
      becomes: 'if (false)',
      title:
        'an unsigned type-2 transaction has one encoding only: ethers writes what was accepted with the same bytes, whichever bit was changed',
    },
    {
      code: 'rlp-malformed',
      without: 'the shortest encoding of a single byte',
      was: "if (kind === 'bytes' && payload.length === 1 && single < 0x80) {\n    throw",
      becomes: 'if (false) {\n    throw',
      title: 'a hostile transaction is refused as RLP with a single byte with a length',
    },
    {
      code: 'rlp-malformed',
      without: 'the demand for a list',
      was: "if (list.kind !== 'list')",
      becomes: 'if (false)',
      title:
        'an unsigned type-2 transaction has one encoding only: ethers writes what was accepted with the same bytes, whichever bit was changed',
    },
    {
      code: 'rlp-malformed',
      without: 'the demand that nothing follows the list',
      was: 'if (next !== bytes.length)',
      becomes: 'if (false)',
      title: 'a hostile transaction is refused transaction-malformed when bytes follow its end',
    },
  ]),
  ...teethOf('src/core/intents/ethereum/match.ts', 'src/core/intents/ethereum/match.spec.ts', [
    {
      code: 'chain-id-mismatch',
      without: 'comparing the chain id',
      was: 'if (intent.chainIdNumber === own.chainIdNumber)',
      becomes: 'if (true)',
      title:
        'a transaction that does anything else is refused chain-id-mismatch when it is for another chain',
    },
    {
      code: 'fee-above-ceiling',
      without: 'the ceiling of the fee',
      was: 'if (intent.maxFeeWei <= ceiling)',
      becomes: 'if (true)',
      title:
        'a transaction that does anything else is refused fee-above-ceiling when it can cost one wei above the ceiling',
    },
    {
      code: 'destination-own',
      without: 'the ban on paying the wallet itself',
      was: 'if (destination === own.ownAddress)',
      becomes: 'if (false)',
      title:
        'a transaction that does anything else is refused destination-own when the payment goes to the wallet itself',
    },
    {
      code: 'destination-token-contract',
      without: "the ban on paying a token's contract",
      was: 'if (own.tokens.get(destination.toLowerCase()) !== undefined) {',
      becomes: 'if (false) {',
      title:
        'a transaction that does anything else is refused destination-token-contract when tokens go to their own contract',
    },
    {
      code: 'calldata-not-allowed',
      without: 'the ban on calls in a native payment',
      was: ": refused('calldata-not-allowed', { transferId, contract: movement.contract });",
      becomes: ': accepted({ to: movement.to, amount: movement.amountUnits });',
      title:
        'a transaction that does anything else is refused calldata-not-allowed when a native payment calls a contract',
    },
    {
      code: 'token-not-registered',
      without: "the demand that governance registered the request's token",
      was: 'if (token === undefined || token.chain !==',
      becomes:
        'if (token === undefined) return accepted({ to: movement.to, amount: movement.kind === "native" ? movement.amountWei : movement.amountUnits });\n  if (token.chain !==',
      title:
        'a transaction that does anything else is refused token-not-registered when the token is not registered',
    },
    {
      code: 'token-not-registered',
      without: 'the demand that the token is of this chain',
      was: 'if (token === undefined || token.chain !==',
      becomes: 'if (token === undefined || token.chain ===  undefined || own.ownAddress ===',
      title:
        'a transaction that does anything else is refused token-not-registered when the token is registered for another chain',
    },
    {
      code: 'asset-mismatch',
      without: 'comparing symbol and decimals with governance',
      was: '    token.symbol !== asset.symbol ||\n    token.decimals !== asset.decimals\n',
      becomes: '    false\n',
      title:
        'a transaction that does anything else is refused asset-mismatch when the request writes other decimals',
    },
    {
      code: 'asset-mismatch',
      without: 'noticing that coins move instead of tokens',
      was: "if (movement.kind === 'native') return refused('asset-mismatch', { transferId, moved: 'native' });",
      becomes:
        "if (movement.kind === 'native') return accepted({ to: movement.to, amount: movement.amountWei });",
      title:
        'a transaction that does anything else is refused asset-mismatch when coins move instead of tokens',
    },
    {
      code: 'asset-mismatch',
      without: 'noticing that another registered token moves',
      was: 'if (movement.contract !== token.contract) {',
      becomes:
        'if (movement.contract !== token.contract && own.tokens.get(movement.contract.toLowerCase()) === undefined) {',
      title:
        'a transaction that does anything else is refused asset-mismatch when another registered contract is called',
    },
    {
      code: 'token-not-registered',
      without: 'noticing that a contract is called that nobody registered',
      was: "const code = called === undefined ? 'token-not-registered' : 'asset-mismatch';",
      becomes:
        "if (called === undefined) return accepted({ to: movement.to, amount: movement.amountUnits });\n    const code = called === undefined ? 'token-not-registered' : 'asset-mismatch';",
      title:
        'a transaction that does anything else is refused token-not-registered when another contract is called that is not registered',
    },
    {
      code: 'destination-mismatch',
      without: 'comparing destinations',
      was: 'if (to !== destination) {',
      becomes: 'if (false) {',
      title:
        'a transaction that does anything else is refused destination-mismatch when the destination was swapped',
    },
    {
      code: 'amount-mismatch',
      without: 'comparing amounts',
      was: 'if (amount !== payment.amount) {',
      becomes: 'if (false) {',
      title:
        'a transaction that does anything else is refused amount-mismatch when the amount is one wei more',
    },
    {
      code: 'cancel-not-to-self',
      without: 'the demand that a cancel calls nothing',
      was: "movement.kind !== 'native' ||\n    movement.to !== own.ownAddress ||\n    movement.amountWei !== 0n ||",
      becomes:
        "movement.to !== own.ownAddress ||\n    (movement.kind === 'native' && movement.amountWei !== 0n) ||",
      title: 'a cancel is refused with cancel-not-to-self when it calls a token',
    },
    {
      code: 'cancel-not-to-self',
      without: 'the demand that a cancel goes to the wallet',
      was: 'movement.to !== own.ownAddress ||\n    movement.amountWei !== 0n ||',
      becomes: 'movement.amountWei !== 0n ||',
      title: 'a cancel is refused with cancel-not-to-self when it goes elsewhere',
    },
    {
      code: 'cancel-not-to-self',
      without: 'the demand that a cancel moves nothing',
      was: '    movement.amountWei !== 0n ||\n',
      becomes: '',
      title: 'a cancel is refused with cancel-not-to-self when it moves a wei',
    },
    {
      code: 'cancel-not-to-self',
      without: 'the demand that a cancel has 21,000 gas',
      was: ' ||\n    gasLimit !== MIN_GAS_LIMIT\n  ) {',
      becomes: '\n  ) {',
      title: 'a cancel is refused with cancel-not-to-self when it has more gas than it takes',
    },
  ]),
  ...teethOf('src/core/intents/ethereum/address.ts', 'src/core/intents/ethereum/address.spec.ts', [
    {
      code: 'destination-invalid',
      without: 'the ban on the zero address',
      was: ' && text !== ZERO_ADDRESS',
      becomes: '',
      title: 'Ethereum addresses (EIP-55) refuses an address with only zeros',
    },
    {
      code: 'destination-invalid',
      without: 'the checksum of an address',
      was: ' && checksumAddress(addressBytes(text)) === text;',
      becomes: ';',
      title: 'Ethereum addresses (EIP-55) refuses an address with a wrong checksum',
    },
  ]),
];
