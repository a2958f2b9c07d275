// Teeth of the ways out: voids, burials and restores, in their texts and at the signer.

import { type Tooth, teethOf } from '../tooth.js';

export const RECOVERY: readonly Tooth[] = [
  ...teethOf('src/core/recovery/void.ts', 'src/core/recovery/void.spec.ts', [
    {
      code: 'void-malformed',
      without: 'the schema of a void',
      was: '  if (!parsed.success) {\n',
      becomes: '  if (!parsed.success) return accepted(input as AttestedVoid);\n  if (!parsed.success) {\n',
      title: "a void, in a backend's hands is refused with void-malformed when it is nothing",
    },
    {
      code: 'void-other-deployment',
      without: 'comparing the deployment of a void',
      was: 'if (statement.deploymentId !== authority.deploymentId) {',
      becomes: 'if (false) {',
      title:
        "a void, in a backend's hands is refused with void-other-deployment when another deployment gave it",
    },
    {
      code: 'void-other-request',
      without: 'comparing the digest of the request',
      was: '    statement.requestDigest !== digest ||\n',
      becomes: '',
      title:
        "a void, in a backend's hands is refused with void-other-request when its request had another digest",
    },
    {
      code: 'void-other-request',
      without: 'comparing the transfer of the request',
      was: '    statement.transferId !== transferIdOf(digest) ||\n',
      becomes: '',
      title: "a void, in a backend's hands is refused with void-other-request when its transfer is another",
    },
    {
      code: 'void-other-request',
      without: 'comparing the id of the request',
      was: '    statement.transferId !== transferIdOf(digest) ||\n    statement.requestId !== request.requestId;',
      becomes: '    statement.transferId !== transferIdOf(digest);',
      title:
        "a void, in a backend's hands is refused with void-other-request when its request has another id",
    },
    {
      code: 'void-signature-invalid',
      without: 'verifying the signature of a void',
      was: 'return verifier.p256(hexToBytes(authority.attestationKey), voidBytes(statement), hexToBytes(signature))\n    ?',
      becomes: 'return true\n    ?',
      title:
        "a void, in a backend's hands is refused with void-signature-invalid when somebody else signed it",
    },
  ]),
  ...teethOf('src/core/recovery/burial.ts', 'src/core/recovery/burial.spec.ts', [
    {
      code: 'burial-other-deployment',
      without: 'comparing the deployment of a burial',
      was: 'if (statement.deploymentId !== state.deploymentId) {',
      becomes: 'if (false) {',
      title: 'a burial is refused with burial-other-deployment when it is for another deployment',
    },
    {
      code: 'burial-governance-moved',
      without: 'comparing the governance head of a burial',
      was: 'if (statement.governanceHead !== state.head) {',
      becomes: 'if (false) {',
      title: 'a burial is refused with burial-governance-moved when governance has gone on',
    },
    {
      code: 'burial-expired',
      without: 'the expiry of a burial',
      was: 'if (statement.expiresAtMs <= nowMs || lifetimeMs <= 0',
      becomes: 'if (lifetimeMs <= 0',
      title: 'a burial is refused with burial-expired when its time is over',
    },
    {
      code: 'burial-expired',
      without: 'the bound on how long a burial lives',
      was: 'lifetimeMs <= 0 || lifetimeMs > MAX_BURIAL_LIFETIME_MS) {',
      becomes: 'lifetimeMs <= 0) {',
      title: 'a burial is refused with burial-expired when it lives too long',
    },
    {
      code: 'burial-too-shallow',
      without: 'the least depth of a block',
      was: 'if (confirmations < least)',
      becomes: 'if (false)',
      title: 'a burial is refused with burial-too-shallow when the block is one short of what Bitcoin needs',
    },
    {
      code: 'governance-quorum-missing',
      without: 'the quorum of a burial',
      was: "return signed.kind === 'refused' ? signed : accepted(statement);",
      becomes:
        "return signed.kind === 'refused' && statement.dead.length === 0 ? signed : accepted(statement);",
      title: 'a burial is refused with governance-quorum-missing when one officer signed it',
    },
  ]),
  ...teethOf('src/core/recovery/restore.ts', 'src/core/recovery/restore.spec.ts', [
    {
      code: 'restore-wallets-incomplete',
      without: 'the demand for every wallet, once',
      was: 'if (named.size !== wallets.length || named.size !== state.wallets.size) {',
      becomes: 'if (false) {',
      and: {
        was: 'if (wallet?.family !== state.chains.get(chain)?.family || wallet?.chain !== chain) {',
        becomes: 'if (wallet === undefined) continue;\n    if (wallet.chain !== chain) {',
      },
      title: 'a restore is refused with restore-wallets-incomplete when a wallet is left out',
    },
    {
      code: 'restore-wallets-incomplete',
      without: "comparing the chain with the wallet's",
      was: 'if (wallet?.family !== state.chains.get(chain)?.family || wallet?.chain !== chain) {',
      becomes: 'if (wallet === undefined) {',
      title: 'a restore is refused with restore-wallets-incomplete when a wallet is on another chain',
    },
    {
      code: 'restore-wallets-incomplete',
      without: "comparing the address with the wallet's key",
      was: "if (wallet.address !== addressOfPublicKey(keys[0]?.publicKey ?? '')) {",
      becomes: 'if (false) {',
      title: 'a restore is refused with restore-wallets-incomplete when a wallet has another address',
    },
    {
      code: 'restore-coins-repeated',
      without: 'looking for a coin that is named twice',
      was: 'if (coins.has(coin))',
      becomes: 'if (false)',
      title: 'a restore is refused with restore-coins-repeated when a coin is there twice',
    },
    {
      code: 'restore-nonces-backwards',
      without: 'the order of the nonces',
      was: 'if (gap < 0 || gap > MAX_REFRESHED_NONCES)',
      becomes: 'if (gap > MAX_REFRESHED_NONCES)',
      title: 'a restore is refused with restore-nonces-backwards when the next nonce is used on the chain',
    },
    {
      code: 'restore-nonces-backwards',
      without: 'the bound on nonces to be used up',
      was: 'if (gap < 0 || gap > MAX_REFRESHED_NONCES)',
      becomes: 'if (gap < 0)',
      title:
        'a restore is refused with restore-nonces-backwards when more nonces are to be used up than a restore may have',
    },
    {
      code: 'restore-other-deployment',
      without: 'comparing the deployment of a restore',
      was: ' || statement.deploymentId !== deploymentId) {',
      becomes: ') {',
      title: 'a restore is refused with restore-other-deployment when it is for another deployment',
    },
    {
      code: 'restore-other-deployment',
      without: 'comparing the genesis of the log',
      was: 'if (!genesis || entryHash(genesis.body) !== deploymentId ||',
      becomes: 'if (!genesis ||',
      title: 'a restore is refused with restore-other-deployment over a log of another genesis, or none',
    },
    {
      code: 'restore-governance-mismatch',
      without: 'comparing the log with the statement',
      was: 'if (statement.governanceHead !== state.head || statement.governanceSequence !== state.sequence) {',
      becomes: 'if (false) {',
      title: 'a restore is refused with restore-governance-mismatch when the log has another head',
    },
    {
      code: 'restore-governance-behind',
      without: 'the demand that the log holds the entry that is known',
      was: 'return entry !== undefined && entryHash(entry.body) === known.hash',
      becomes: 'return known.sequence >= 0',
      title:
        'a restore is taken over a log only that holds the entry which the lost store had (restore-governance-behind)',
    },
    {
      code: 'restore-governance-behind',
      without: 'comparing the entry with the one that is known',
      was: 'return entry !== undefined && entryHash(entry.body) === known.hash',
      becomes: 'return entry !== undefined',
      title:
        'a restore is taken over a log only that holds the entry which the lost store had (restore-governance-behind)',
    },
    {
      code: 'restore-expired',
      without: 'the time of a restore',
      was: 'if (isTooLong || isOutOfTime) {',
      becomes: 'if (isTooLong) {',
      title: 'a restore is refused with restore-expired when its time is over',
    },
    {
      code: 'restore-expired',
      without: 'the bound on how long a restore lives',
      was: 'if (isTooLong || isOutOfTime) {',
      becomes: 'if (isOutOfTime) {',
      title: 'a restore is refused with restore-expired when it ends before it begins',
    },
    {
      code: 'governance-quorum-missing',
      without: 'the quorum of a restore',
      was: "return signed.kind === 'refused' ? signed : accepted(state);",
      becomes: 'return accepted(state);',
      title: 'a restore is refused with governance-quorum-missing when one officer signed it',
    },
  ]),
  ...teethOf('src/signer/ways-out.ts', 'test/signer/burials.integration.spec.ts', [
    {
      code: 'request-before-restore',
      without: 'refusing to void what the lost store may have signed',
      was: 'if (cutoffMs !== undefined && request.statement.createdAtMs <= cutoffMs) {',
      becomes: 'if (false) {',
      test: 'test/signer/restore.integration.spec.ts',
      title:
        'a lost store is restored by a quorum: limits begin exhausted for one window, and older requests are dead',
    },
    {
      code: 'transfer-being-signed',
      without: 'the ban on voiding what is being signed',
      was: "if (busy !== undefined) return refused('transfer-being-signed', { transferId, by: busy });\n",
      becomes: '',
      test: 'test/signer/voids.integration.spec.ts',
      title:
        'a void: the signer refuses while the token is at a signature for it, however long it takes (transfer-being-signed)',
    },
    {
      code: 'request-from-the-future',
      without: 'the ban on voiding what is made for later than a restore could kill',
      was: 'if (request.statement.createdAtMs > at.wallMs + MAX_CLOCK_SKEW_MS) {',
      becomes: 'if (false) {',
      test: 'test/signer/voids.integration.spec.ts',
      title:
        'a void: the signer refuses what is from the future: a restore would not know it for dead (request-from-the-future)',
    },
    {
      code: 'transfer-signed',
      without: 'the ban on voiding what was signed',
      was: "if (past === 'signed') return refused('transfer-signed', { transferId });\n",
      becomes: '',
      test: 'test/signer/voids.integration.spec.ts',
      title: 'a void is impossible once anything was signed, also after it was cancelled (transfer-signed)',
    },
    {
      code: 'burial-transfer-unknown',
      without: 'the demand that something was signed for the transfers',
      was: 'if (unknown !== undefined)',
      becomes: 'if (false)',
      title: 'a burial: the signer refuses transfers that nothing was signed for (burial-transfer-unknown)',
    },
    {
      code: 'burial-conflicting-unknown',
      without: 'the demand that the conflicting transaction was signed here',
      was: 'if (winner?.transactionId === undefined || winner.transactionId',
      becomes: 'if (winner?.transactionId === undefined) return accepted([]);\n  if (winner.transactionId',
      title:
        'a burial: the signer refuses a conflicting transaction that was never signed here, is named wrongly, or does not conflict',
    },
    {
      code: 'burial-conflicting-unknown',
      without: 'comparing the id of the conflicting transaction',
      was: 'if (winner?.transactionId === undefined || winner.transactionId !== conflicting.transactionId) {',
      becomes: 'if (winner?.transactionId === undefined) {',
      title:
        'a burial: the signer refuses a conflicting transaction that was never signed here, is named wrongly, or does not conflict',
    },
    {
      code: 'burial-conflicting-pays',
      without: 'the ban on a conflicting transaction that pays the transfer',
      was: 'if (paid !== undefined)',
      becomes: 'if (false)',
      title:
        'a burial: the signer refuses a conflicting transaction that pays the transfer itself (burial-conflicting-pays)',
    },
    {
      code: 'burial-incomplete',
      without: 'comparing the list of the dead',
      was: 'if (transferSet(keys) !== transferSet(statement.dead)) {',
      becomes: 'if (false) {',
      title:
        'a burial: the signer refuses a list that leaves one of the dead out, or names one too many (burial-incomplete)',
    },
    {
      code: 'burial-incomplete',
      without: 'the demand for all transfers of a batch',
      was: 'if (other !== undefined)',
      becomes: 'if (false)',
      title: 'a burial: the signer refuses some transfers of a batch without the others (burial-incomplete)',
    },
    {
      code: 'burial-not-conflicting',
      without: 'the demand that all of the dead conflict',
      was: 'if (compatible !== undefined)',
      becomes: 'if (false)',
      title:
        'a burial: the signer refuses a conflicting transaction that was never signed here, is named wrongly, or does not conflict',
    },
    {
      code: 'transfer-being-signed',
      without: 'the ban on burying what is being signed',
      was: 'return busy === undefined ? accepted(expected) :',
      becomes: "return busy !== '' ? accepted(expected) :",
      title:
        'a burial: the signer refuses while the token is at one of the dead, however long it takes (transfer-being-signed)',
    },
    {
      code: 'governance-quorum-missing',
      without: 'leaving out whoever else the key speaks for that asked',
      was: '      ...(given.state.everRequestKeys.get(keyId)?.owners ?? []),\n',
      becomes: '',
      title:
        'a burial: the signer refuses to count whoever else the key speaks for that asked for the transfer',
    },
  ]),
  ...teethOf('src/signer/conflicts.ts', 'test/signer/voids.integration.spec.ts', [
    {
      code: 'request-before-restore',
      without: 'the ban on requests from before a restore',
      was: 'if (cutoffMs !== undefined && createdAtMs <= cutoffMs) {',
      becomes: 'if (false) {',
      test: 'test/signer/restore.integration.spec.ts',
      title:
        'a lost store is restored by a quorum: limits begin exhausted for one window, and older requests are dead',
    },
    {
      code: 'transfer-void',
      without: 'the ban on signing what is void',
      was: "if (ledger.voidSequenceOf(transferId) !== undefined) return refused('transfer-void', { transferId });\n",
      becomes: '',
      title:
        'a void ends the request for good: it is never signed afterwards, not by a restarted signer either (transfer-void)',
    },
    {
      code: 'transaction-dead',
      without: 'the ban on signing what is dead',
      was: 'if (known?.ended !== undefined) {',
      becomes: 'if (false) {',
      test: 'test/signer/burials.integration.spec.ts',
      title: 'a burial: the signer refuses to sign what was only begun and is dead now (transaction-dead)',
    },
    {
      code: 'nonce-used',
      without: 'the ban on nonces from before a restore',
      was: 'return isBefore ? refused',
      becomes: 'return false ? refused',
      test: 'test/signer/restore.integration.spec.ts',
      title: 'a lost store has its coins and nonces used up by transactions that pay the wallet itself',
    },
    {
      code: 'transactions-too-many',
      without: 'the bound on transactions that use up what a restore left',
      was: 'return crowded === undefined\n    ?',
      becomes: 'return true\n    ?',
      test: 'test/signer/restore.integration.spec.ts',
      title:
        'a lost store has a coin used up by a hundred transactions at most: each takes room for good and needs nobody (transactions-too-many)',
    },
  ]),
  ...teethOf('src/signer/attesting.ts', 'src/signer/attesting.spec.ts', [
    {
      code: 'token-unknown',
      without: "the demand that the token of a key of the signer's own is configured",
      was: 'if (found) return found;\n',
      becomes: 'const [any] = tokens.values();\n  if (found ?? any) return (found ?? any) as Token;\n',
      title: "the signer's own key is on a token that is configured (token-unknown)",
    },
    {
      code: 'key-does-not-sign',
      without: 'verifying what the attestation key signed',
      was: 'if (!verifier.p256(hexToBytes(key.publicKey), bytes, signature)) {',
      becomes: 'if (false) {',
      title: "the signer's own key lets nothing out that does not verify (key-does-not-sign)",
    },
    {
      code: 'key-other-curve',
      without: "asking for the curve of a key of the signer's own",
      was: 'described.curve !== curve',
      becomes: 'false',
      title:
        "the signer's own key is looked at before anything is served: key-other-curve when it is of another curve",
    },
    {
      code: 'key-other-public-key',
      without: "comparing a key of the signer's own with the one of governance",
      was: 'described.publicKey !== key.publicKey',
      becomes: 'false',
      title:
        "the signer's own key is looked at before anything is served: key-other-public-key when it is another key",
    },
    {
      code: 'key-extractable',
      without: "asking whether a key of the signer's own can leave its token",
      was: '!described.unextractable',
      becomes: 'false',
      title:
        "the signer's own key is looked at before anything is served: key-extractable when the token would reveal it",
    },
    {
      code: 'key-not-born-in-token',
      without: "asking whether a key of the signer's own was made in its token",
      was: '!described.bornInToken',
      becomes: 'false',
      title:
        "the signer's own key is looked at before anything is served: key-not-born-in-token when it was brought from outside",
    },
  ]),
  ...teethOf('src/signer/start.ts', 'test/signer/restore.integration.spec.ts', [
    {
      code: 'restore-other-record',
      without: 'comparing a restore with the record on the token',
      was: 'if (statement.lost.sequence !== pinned.sequence || statement.lost.hash !== pinned.hash) {',
      becomes: 'if (false) {',
      title:
        'a restore is refused when the quorum, the record, the log, the time or a wallet is not what it says',
    },
    {
      code: 'restore-governance-behind',
      without: 'comparing the log of a restore with the record on the token',
      was: "  if (reaches.kind === 'refused') return reaches;\n",
      becomes: '',
      title:
        'a restore is refused over a log from before an officer was removed, cut or leading elsewhere, though the quorum of then signs (restore-governance-behind)',
    },
    {
      code: 'anchor-missing',
      without: 'the demand that the token of a restore was part of a ceremony',
      was: "if (!pinned) throw new Fault<AnchorFaultCode>('anchor-missing', 'the token was never part of a ceremony');\n  requireDeployment(config, pinned.genesisHash);\n  return pinned;",
      becomes: "return pinned ?? { genesisHash: '', sequence: 0, hash: '' };",
      title:
        'a restore is refused with a token that was never part of a ceremony, which has nothing to go on from (anchor-missing)',
    },
    {
      code: 'anchor-missing',
      without: 'the demand that the token whose record is read was part of a ceremony',
      was: 'if (pinned) return pinned;\n    throw',
      becomes: "return pinned ?? { genesisHash: '', sequence: 0, hash: '' };\n    throw",
      title:
        'a restore is refused with a token that was never part of a ceremony, which has nothing to go on from (anchor-missing)',
    },
    {
      code: 'store-exists',
      without: 'the demand that a restored store that goes on is not made again',
      was: 'if (isSame && store.head().sequence === wanted.lost.sequence + 1 + log.length) return store;',
      becomes: 'if (store.head().sequence >= 0) return store;',
      title: 'a restore is refused over a store that is there (store-exists), be it an old one',
    },
  ]),
];
