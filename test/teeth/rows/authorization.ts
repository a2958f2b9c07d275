// Teeth of authorization: the requests, the approvals, and what an order as a whole has to be.

import { type Tooth, teethOf } from '../tooth.js';

export const AUTHORIZATION: readonly Tooth[] = [
  ...teethOf('src/core/authorization/authorize.ts', 'src/core/authorization/authorize.spec.ts', [
    {
      code: 'wallet-frozen',
      without: 'asking whether the wallet is frozen',
      was: "  if (free.kind === 'refused') return free;\n  const requests",
      becomes: '  const requests',
      title: 'a wallet that is frozen is authorized no payment (wallet-frozen)',
    },
  ]),
  ...teethOf('src/core/authorization/retired.ts', 'src/core/authorization/retired.spec.ts', [
    {
      code: 'payer-retired',
      without: 'the bound on whom a retired wallet pays',
      was: 'if (isRetired && paid !== successor)',
      becomes: 'if (false)',
      title: 'a retired wallet pays nobody but the wallet that follows it (payer-retired)',
    },
    {
      code: 'destination-retired',
      without: 'the ban on paying a wallet that was given up',
      was: 'if (paid !== undefined && state.retired.has(paid))',
      becomes: 'if (false)',
      title: 'a retired wallet is paid by nobody (destination-retired)',
    },
  ]),
  ...teethOf('src/core/authorization/kinds.ts', 'src/core/authorization/kinds.spec.ts', [
    {
      code: 'kind-contradicted',
      without: 'holding the kind that a request claims against wallets and destination',
      was: 'if (!BEARS_OUT[kind](wallet.tier, to))',
      becomes: 'if (false)',
      title:
        'is refused where the decoded destination is nobody of the house, and says what it would be (kind-contradicted)',
    },
  ]),
  ...teethOf('src/core/authorization/requests.ts', 'src/core/authorization/requests.spec.ts', [
    {
      code: 'request-other-deployment',
      without: 'comparing the deployment of a request',
      was: 'if (statement.deploymentId !== deploymentId)',
      becomes: 'if (false)',
      title: 'a signed request is refused with request-other-deployment when it is for another deployment',
    },
    {
      code: 'request-key-unknown',
      without: 'the demand that governance registered the key',
      was: 'const key = keys.get(keyId);',
      becomes: 'const [any] = keys.values();\n  const key = keys.get(keyId) ?? any;',
      title: 'a signed request is refused with request-key-unknown when its key is not registered',
    },
    {
      code: 'request-signature-invalid',
      without: "verifying the request's signature",
      was: 'return verifier.ed25519(hexToBytes(key.publicKey), requestBytes(statement), hexToBytes(signature))\n    ?',
      becomes: 'return true\n    ?',
      title:
        'a signed request is refused with request-signature-invalid when a word of it is another than was signed',
    },
    {
      code: 'requester-not-owner',
      without: 'the demand that the key speaks for the requester',
      was: 'if (!owners.includes(requester))',
      becomes: 'if (false)',
      title:
        'a signed request is refused with requester-not-owner when its key does not speak for the requester',
    },
    {
      code: 'requester-removed',
      without: 'looking whether the requester is still on the roster',
      was: '&& !persons.has(requester)',
      becomes: '&& false',
      title:
        'a signed request is refused with requester-removed when the requester is no person of the roster any more',
    },
    {
      code: 'requester-removed',
      without: 'telling services, which were never on the roster, from persons who left it',
      was: 'wasEverThere && ',
      becomes: '',
      title:
        'a signed request is accepted of a person of the roster, and of a service, which was never on it',
    },
    {
      code: 'request-key-unknown',
      without: 'the demand that governance registered the key that an imagined request names',
      was: 'const key = state.requestKeys.get(keyId);',
      becomes:
        'const [any] = state.requestKeys.values();\n  const key = state.requestKeys.get(keyId) ?? any;',
      title: 'what nobody has signed is refused as a request of it would be: request-key-unknown',
    },
    {
      code: 'requester-not-owner',
      without: 'the demand that the key of an imagined request speaks for the requester',
      was: "if (may.kind === 'refused') return may;",
      becomes: '',
      title: 'what nobody has signed is refused as a request of it would be: requester-not-owner',
    },
    {
      code: 'request-lifetime',
      without: 'the bound on how long a request lives',
      was: 'if (lifetimeMs <= 0 || lifetimeMs > MAX_REQUEST_LIFETIME_MS)',
      becomes: 'if (lifetimeMs <= 0)',
      title: 'a signed request is refused with request-lifetime when it lives a millisecond too long',
    },
    {
      code: 'request-lifetime',
      without: 'the demand that a request lives at all',
      was: 'if (lifetimeMs <= 0 || lifetimeMs > MAX_REQUEST_LIFETIME_MS)',
      becomes: 'if (lifetimeMs > MAX_REQUEST_LIFETIME_MS)',
      title: 'a signed request is refused with request-lifetime when it ends when it begins',
    },
    {
      code: 'request-from-the-future',
      without: 'the bound on how far a clock may be ahead',
      was: 'if (statement.createdAtMs > nowMs + MAX_CLOCK_SKEW_MS)',
      becomes: 'if (false)',
      title:
        'a signed request is refused with request-from-the-future when it was made a millisecond too far ahead',
    },
    {
      code: 'request-expired',
      without: 'the expiry of a request',
      was: 'if (statement.expiresAtMs <= nowMs && !isSigned(transferId)) {',
      becomes: 'if (false) {',
      title: 'a signed request is refused with request-expired when it ends now',
    },
    {
      code: 'wallet-unknown',
      without: "the demand that governance knows the request's wallet",
      was: 'const wallet = state.wallets.get(statement.wallet);',
      becomes: 'const wallet = state.wallets.get(statement.wallet) ?? [...state.wallets.values()][0];',
      title: 'a signed request is refused with wallet-unknown when governance knows no such wallet',
    },
    {
      code: 'chain-mismatch',
      without: "comparing the request's chain with the wallet's",
      was: 'if (!chain || statement.chain !== wallet.chain)',
      becomes: 'if (!chain)',
      title: "a signed request is refused with chain-mismatch when it names another chain than the wallet's",
    },
    {
      code: 'asset-not-registered',
      without: 'the demand that governance registered the asset as written',
      was: 'if (!registered(state, chain, statement.asset))',
      becomes: 'if (false)',
      title: 'a signed request is refused with asset-not-registered when its coin has another symbol',
    },
  ]),
  ...teethOf('src/core/authorization/approvals.ts', 'test/signer/attacks-texts.integration.spec.ts', [
    {
      code: 'policy-not-in-force',
      without: 'comparing the policy of a statement with the one in force',
      was: 'if (statement.policyHash !== state.policyHash) {',
      becomes: 'if (false) {',
      title: 'approvals: the signer refuses a policy hash that is not in force (policy-not-in-force)',
    },
    {
      code: 'policy-not-in-force',
      without: 'the demand that the policies have been in force since the officer saw them',
      was: 'if (seen < state.policiesSince) {',
      becomes: 'if (false) {',
      test: 'test/signer/holds.integration.spec.ts',
      title:
        'a transfer that its rule holds waits anew where other policies were in force meanwhile, and wants its approvals anew',
    },
    {
      code: 'governance-head-unknown',
      without: 'the demand that the governance head is in the log',
      was: 'if (seen < 0)',
      becomes: 'if (false)',
      title:
        'approvals: the signer refuses a governance head that is not in its log (governance-head-unknown)',
    },
    {
      code: 'approval-expired',
      without: 'the expiry of a statement',
      was: 'if (statement.expiresAtMs <= nowMs && !pastExpiry) {',
      becomes: 'if (false) {',
      title: 'approvals: the signer refuses expired approvals (approval-expired)',
    },
    {
      code: 'approver-not-in-roster',
      without: 'the demand that the approver is in the roster',
      was: 'const holder = holderOf(state, approval.credentialId);',
      becomes: "const holder = holderOf(state, approval.credentialId) ?? holderOf(state, 'bob-token');",
      and: {
        was: 'if (!isSignedBy(holder.credential, bytes, approval.signature, verifier)) {',
        becomes:
          "if (approval.credentialId === 'bob-token' && !isSignedBy(holder.credential, bytes, approval.signature, verifier)) {",
      },
      title: 'approvals: the signer refuses somebody who was never in the roster (approver-not-in-roster)',
    },
    {
      code: 'approval-signature-invalid',
      without: "verifying an approval's signature",
      was: 'if (!isSignedBy(holder.credential, bytes, approval.signature, verifier)) {',
      becomes: 'if (false) {',
      title:
        "approvals: the signer refuses a stranger's signature under an officer's name (approval-signature-invalid)",
    },
    {
      code: 'approver-is-requester',
      without: 'the ban on approving what one asked for',
      was: 'if (excludedApprovers(request).has(personId))',
      becomes: 'if (false)',
      title: "approvals: the signer refuses the requester's own approval (approver-is-requester)",
    },
    {
      code: 'approval-without-statement',
      without: 'the demand for the statement that approvals are about',
      was: 'approvals.length === 0\n      ? accepted(',
      becomes: 'true\n      ? accepted(',
      title:
        'approvals: the signer refuses approvals without the statement that they are about (approval-without-statement)',
    },
    {
      code: 'approval-is-rejection',
      without: 'reading the verdict',
      was: "if (approval.verdict !== 'approve')",
      becomes: 'if (false)',
      title: 'approvals: the signer refuses a rejection in the place of an approval (approval-is-rejection)',
    },
    {
      code: 'approver-duplicate',
      without: 'looking for a person who comes twice',
      was: 'if (approvedBy.has(person.value))',
      becomes: 'if (false)',
      title: 'approvals: the signer refuses one officer twice (approver-duplicate)',
    },
  ]),
  ...teethOf('src/core/authorization/approvals.ts', 'test/signer/steps.integration.spec.ts', [
    {
      code: 'approval-follows-unknown',
      without: 'the demand that what an approval follows is there',
      was: 'if (followed === undefined)',
      becomes: 'if (followed === undefined) continue;\n      if (false)',
      title: 'approvals in steps: the signer refuses one that follows what is not there',
    },
  ]),
  ...teethOf('src/core/statements/approval.ts', 'src/core/statements/approval.spec.ts', [
    {
      code: 'approval-other-deployment',
      without: 'comparing the deployment of a statement',
      was: 'if (statement.deploymentId !== request.deploymentId) {',
      becomes: 'if (false) {',
      title:
        'the statement that officers sign refuses the statement of another transfer and of another deployment',
    },
    {
      code: 'approval-other-transfer',
      without: 'comparing the transfer of a statement',
      was: 'if (statement.requestDigest !== expected.requestDigest || statement.transferId !== expected.transferId) {',
      becomes: 'if (false) {',
      title:
        'the statement that officers sign refuses the statement of another transfer and of another deployment',
    },
    {
      code: 'approval-altered',
      without: 'comparing every field of a statement',
      was: 'return differing === undefined ?',
      becomes: 'return true ?',
      title: 'the statement that officers sign refuses approval-altered when its kind is "sweep"',
    },
  ]),
  ...teethOf('src/core/authorization/authorize.ts', 'test/signer/attacks-texts.integration.spec.ts', [
    {
      code: 'wallet-mismatch',
      without: "comparing the request's wallet with the order's",
      was: 'if (statement.wallet !== order.wallet)',
      becomes: 'if (false)',
      title: 'requests: the signer refuses a request for another wallet (wallet-mismatch)',
    },
    {
      code: 'transfer-duplicate',
      without: 'looking for a request that comes twice',
      was: 'if (seen.has(transferId))',
      becomes: 'if (false)',
      title: 'requests: the signer refuses one request twice in an order (transfer-duplicate)',
    },
    {
      code: 'approvals-insufficient',
      without: 'counting the approvals that a rule asks for',
      was: 'if (missing.length > 0) {',
      becomes: 'if (false) {',
      title: 'approvals: the signer refuses no approval (approvals-insufficient)',
    },
    {
      code: 'fee-above-absolute-cap',
      without: "the policy's absolute cap on fees",
      was: 'if (maxFee > caps.absoluteMax) {',
      becomes: 'if (false) {',
      test: 'src/core/authorization/authorize.spec.ts',
      title: 'a cancel is refused with fee-above-absolute-cap when it costs one satoshi above the cap',
    },
    {
      code: 'fee-above-relative-cap',
      without: "the policy's relative cap on fees",
      was: 'if (moved !== undefined && maxFee * 10_000n > moved * caps.relativeMaxBasisPoints) {',
      becomes: 'if (false) {',
      test: 'src/core/authorization/authorize.spec.ts',
      title:
        'a cancel is refused with fee-above-relative-cap when it costs one satoshi above 5 % of what was to be moved',
    },
    {
      code: 'fee-above-absolute-cap',
      without: 'asking for the caps of a payment',
      was: "    if (capped.kind === 'refused') return capped;\n  }\n  return checkHolds",
      becomes: '  }\n  return checkHolds',
      test: 'src/core/authorization/authorize.spec.ts',
      title: 'a payment is refused with fee-above-absolute-cap when it costs one satoshi above the cap',
    },
    {
      code: 'transfer-held',
      without: 'the hold of a rule',
      was: 'return checkHolds(transfers.value) ?? accepted(',
      becomes: 'return accepted(',
      test: 'src/core/authorization/authorize.spec.ts',
      title:
        'a payment that its rule holds is refused with transfer-held until it has waited, to the millisecond',
    },
    {
      code: 'transfer-held',
      without: 'the demand that it was held for long enough',
      was: '(heldMs !== undefined && heldMs >= holdMs)',
      becomes: 'heldMs !== undefined',
      test: 'src/core/authorization/authorize.spec.ts',
      title:
        'a payment that its rule holds is refused with transfer-held until it has waited, to the millisecond',
    },
    {
      code: 'nothing-to-cancel',
      without: 'the demand that a cancel has something to cancel',
      was: 'const cancelled = given.cancelled(decoded.spends);',
      becomes:
        'const cancelled = given.cancelled(decoded.spends) ?? { feeCeiling: 10n ** 30n, moved: undefined };',
      test: 'src/core/authorization/authorize.spec.ts',
      title: 'a cancel is refused with nothing-to-cancel when nothing spends what it spends',
    },
    {
      code: 'policy-no-match',
      without: 'the demand that a policy covers the wallet of a cancel',
      was: 'const caps = feeCapsOf(given.policies, { wallet: walletId, tier });',
      becomes:
        'const caps = feeCapsOf(given.policies, { wallet: walletId, tier }) ?? { absoluteMax: 10n ** 30n, relativeMaxBasisPoints: 10_000n };',
      test: 'src/core/authorization/authorize.spec.ts',
      title: 'a cancel is refused with policy-no-match when no document covers its wallet',
    },
    {
      code: 'policy-error',
      without: 'noticing that the bytes carry out more than was ordered',
      was: "if (!ordered) return refused('policy-error', { transferId });\n",
      becomes: 'if (!ordered) continue;\n',
      test: 'src/core/authorization/authorize.spec.ts',
      title: 'a payment is refused with policy-error when the bytes would carry out more than was ordered',
    },
  ]),
  ...teethOf('src/core/authorization/decode-order.ts', 'src/core/authorization/decode-order.spec.ts', [
    {
      code: 'wallet-unknown',
      without: "the demand that governance knows the order's wallet",
      was: 'const wallet = state.wallets.get(order.wallet);',
      becomes: 'const wallet = state.wallets.get(order.wallet) ?? [...state.wallets.values()][0];',
      title: 'the bytes of an order are refused with wallet-unknown when governance knows no such wallet',
    },
    {
      code: 'transaction-of-other-family',
      without: "comparing the kind of the transaction with the wallet's chain",
      was: "  return refused('transaction-of-other-family', { family: chain.family, transaction: transaction.kind });",
      becomes:
        '  return accepted({ wallet, chain, spends: [], nonce: undefined, maxFee: 0n, toSign: [], matchPayments: () => accepted([]), matchCancel: () => accepted([]) } as never);',
      title:
        'the bytes of an order are refused with transaction-of-other-family when they are a PSBT for an Ethereum wallet',
    },
    {
      code: 'input-foreign',
      without: "the demand that every input is the wallet's own",
      was: "if (!key || !digest) return refused('input-foreign', { outpoint: input.outpoint });\n    toSign.push({ key, digest });",
      becomes: 'if (key && digest) toSign.push({ key, digest });',
      and: { file: 'src/core/intents/bitcoin/match.ts', was: 'if (foreign === -1)', becomes: 'if (true)' },
      title: "the bytes of an order are refused with input-foreign when an input is not the wallet's own",
    },
    {
      code: 'transaction-of-other-family',
      without: 'the demand that an Ethereum wallet has a key',
      was: "if (!key) return refused('transaction-of-other-family', { wallet: wallet.walletId });\n",
      becomes: '',
      title: 'the bytes of an order are refused with transaction-of-other-family when the wallet has no key',
    },
    {
      code: 'asset-mismatch',
      without: 'noticing that a token is asked of a Bitcoin wallet',
      was: "if (token) return refused('asset-mismatch', { transferId: token.transferId });\n",
      becomes: '',
      title:
        'the bytes of an order are refused with asset-mismatch when a token is asked of a Bitcoin wallet',
    },
    {
      code: 'transfers-too-many',
      without: 'the bound of one transfer an Ethereum transaction',
      was: 'if (!request || more.length > 0)',
      becomes: 'if (!request)',
      title:
        'the bytes of an order are refused with transfers-too-many when one Ethereum transaction is to pay two transfers, or none',
    },
  ]),
];
