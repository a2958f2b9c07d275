// Teeth of what a signer stands on: its store, the record on the token, the seal, its start, and its keys.

import { type Tooth, teethOf } from '../tooth.js';

export const SIGNER_START: readonly Tooth[] = [
  ...teethOf('src/signer/store-file.ts', 'src/signer/store.spec.ts', [
    {
      code: 'store-exists',
      without: 'the look at what is written in a store that is there',
      was: "throw new Fault<StoreFaultCode>('store-exists', 'there is a signer store already');",
      becomes: 'return;',
      title: "the signer's store is never made over a database of something else (store-exists)",
    },
    {
      code: 'store-in-use',
      without: 'telling a store that another process holds from a broken one',
      was: "throw sqlite.startsWith('SQLITE_BUSY')",
      becomes: "throw sqlite === ''",
      test: 'test/signer/store.integration.spec.ts',
      title: 'a signer does not start while another signer has the store (store-in-use)',
    },
    {
      code: 'store-in-use',
      without: 'the lock on the file',
      was: "db.pragma('locking_mode = EXCLUSIVE');\n",
      becomes: '',
      test: 'test/signer/store.integration.spec.ts',
      title: 'a signer does not start while another signer has the store (store-in-use)',
    },
    {
      code: 'store-corrupt',
      without: 'an answer for a file that does not open',
      was: ": new Fault<StoreFaultCode>('store-corrupt', 'the signer store cannot be opened', {",
      becomes: ": new Fault('internal', 'the signer store cannot be opened', {",
      test: 'test/signer/store.integration.spec.ts',
      title: 'a signer does not start with a file that is no database (store-corrupt)',
    },
  ]),
  ...teethOf('src/signer/store.ts', 'src/signer/store.spec.ts', [
    {
      code: 'store-exists',
      without: 'the demand that no store is there when one is made',
      was: 'requireNothingWritten(path);\n    const store = SignerStore.made(path, seal);\n    store.append(',
      becomes: 'const store = SignerStore.made(path, seal);\n    store.append(',
      title:
        "the signer's store is never made over one that is there (store-exists), not by a restore either",
    },
    {
      code: 'store-exists',
      without: 'the demand that no store is there when one is restored',
      was: 'requireNothingWritten(path);\n    const store = SignerStore.made(path, seal);\n    try',
      becomes: 'const store = SignerStore.made(path, seal);\n    try',
      title:
        "the signer's store is never made over one that is there (store-exists), not by a restore either",
    },
    {
      code: 'store-not-written',
      without: 'giving up a store whose disk did not take an entry',
      was: '      throw this.giveUp(cause);\n    }\n    this.requireWhole();',
      becomes: '    }\n    this.requireWhole();',
      title:
        "the signer's store and its disk gives out nothing more once the disk did not take an entry (store-not-written)",
    },
    {
      code: 'store-not-written',
      without: 'giving up a store whose ledger does not hold what its journal does',
      was: 'if (isWritten || !this.ledger.isWhole()) this.giveUp(error);',
      becomes: 'if (!this.ledger.isWhole()) this.giveUp(error);',
      title:
        "the signer's store and its disk is given up when the ledger cannot hold what the journal took (store-not-written)",
    },
    {
      code: 'store-not-written',
      without: 'giving up a store whose ledger has lost entries',
      was: 'if (isWritten || !this.ledger.isWhole()) this.giveUp(error);',
      becomes: 'if (isWritten) this.giveUp(error);',
      title:
        "the signer's store and its disk is given up when the ledger has lost what came before (store-not-written)",
    },
    {
      code: 'store-not-written',
      without: 'giving up a store whose ledger holds an entry that did not come to the disk',
      was: '      if (isDone) this.giveUp(error);\n',
      becomes: '',
      title:
        "the signer's store and its disk is given up when an entry that is waited for does not come to the disk (store-not-written)",
    },
    {
      code: 'store-not-written',
      without: 'giving up a store whose open transaction was ended under it',
      was: '      if (!this.db.inTransaction) this.giveUp(error);\n',
      becomes: '',
      title:
        "the signer's store and its disk is given up when a full disk ends the transaction that others are in (store-not-written)",
    },
    {
      code: 'store-closed',
      without: 'refusing what comes after the store was closed',
      was: "    this.broken ??= new Fault<StoreFaultCode>('store-closed', 'the signer store is closed');\n",
      becomes: '',
      title: "the signer's store and its disk takes nothing more once it is closed (store-closed)",
    },
    {
      code: 'store-restore-unfinished',
      without: 'noticing that the record still names the lost journal',
      was: 'if (this.base.sequence >= 0 && pinned.sequence === this.base.sequence && pinned.hash === this.base.hash) {',
      becomes: 'if (this.base.sequence >= 0 && pinned.hash === this.base.hash) return;\n    if (false) {',
      title:
        "the signer's store that goes on from a lost one is not served from before the record covers it (store-restore-unfinished)",
    },
    {
      code: 'store-missing',
      without: 'the demand that the store is there',
      was: 'if (!existsSync(path)) {',
      becomes: 'if (false) {',
      title: "the signer's store is never made anew by being opened (store-missing)",
    },
    {
      code: 'store-corrupt',
      without: 'the demand that a journal is not empty',
      was: 'if (this.newest === this.base) throw',
      becomes: 'if (false) throw',
      title: "the signer's store is not opened without a single entry (store-corrupt)",
    },
    {
      code: 'store-corrupt',
      without: 'the chain of hashes',
      was: 'const follows = row.sequence === sequence && row.hash === hash && sealed && parsed.success;',
      becomes: 'const follows = row.sequence === sequence && sealed && parsed.success;',
      title: "the signer's store is not opened with an entry under another hash (store-corrupt)",
    },
    {
      code: 'store-corrupt',
      without: 'the seal of an entry',
      was: 'const follows = row.sequence === sequence && row.hash === hash && sealed && parsed.success;',
      becomes: 'const follows = row.sequence === sequence && row.hash === hash && parsed.success;',
      title: "the signer's store is not opened with an entry of another seal (store-corrupt)",
    },
    {
      code: 'store-corrupt',
      without: 'the demand that genesis stands first and nowhere else',
      was: 'if (!follows || !isInPlace) {',
      becomes: 'if (!follows) {',
      title:
        "the signer's store is not opened with a second genesis in its middle, sealed as it may be (store-corrupt)",
    },
    {
      code: 'store-corrupt',
      without: 'the seal of the heartbeat',
      was: 'if (row.seal === sealOf(instant, this.base)) return instant;',
      becomes: "if (table === 'heartbeat' || row.seal === sealOf(instant, this.base)) return instant;",
      test: 'test/signer/store.integration.spec.ts',
      title: 'a signer does not start with a heartbeat that says that a month has passed (store-corrupt)',
    },
    {
      code: 'store-corrupt',
      without: 'a seal of its own for the time that somebody told',
      was: 'if (row.seal === sealOf(instant, this.base)) return instant;',
      becomes: 'return instant;',
      test: 'test/signer/store.integration.spec.ts',
      title: 'a signer does not start with a time that nobody told, sealed as a heartbeat is (store-corrupt)',
    },
    {
      code: 'store-corrupt',
      without: 'an answer for a file that is no database',
      was: '      if (cause instanceof Fault) throw cause;\n',
      becomes: '      if (cause instanceof Fault || cause instanceof Error) throw cause;\n',
      title: "the signer's store is not opened with an entry that is no JSON (store-corrupt)",
    },
    {
      code: 'store-corrupt',
      without: 'the demand that an entry is there',
      was: '    if (!row)\n',
      becomes: '    if (false)\n',
      title:
        "the signer's store says so when it is asked for an entry that is not there, or for governance that is none (store-corrupt)",
    },
    {
      code: 'store-corrupt',
      without: 'the demand that a governance entry is one',
      was: "if (body.kind !== 'genesis' && body.kind !== 'governance') {",
      becomes: 'if (false) {',
      title:
        "the signer's store says so when it is asked for an entry that is not there, or for governance that is none (store-corrupt)",
    },
    {
      code: 'store-rolled-back',
      without: 'comparing the store with the record on the token',
      was: 'if (pinned.sequence > this.newest.sequence) {',
      becomes: 'if (false) {',
      and: {
        was: 'if (row?.hash !== pinned.hash) {',
        becomes: 'if (row !== undefined && row.hash !== pinned.hash) {',
      },
      title:
        "the signer's store knows a record of a newer state (store-rolled-back) from one of another history (store-diverged)",
    },
    {
      code: 'store-diverged',
      without: 'comparing the history of the store with the record on the token',
      was: 'if (row?.hash !== pinned.hash) {',
      becomes: 'if (false) {',
      title:
        "the signer's store knows a record of a newer state (store-rolled-back) from one of another history (store-diverged)",
    },
  ]),
  ...teethOf('src/platform/signature-arithmetic.ts', 'src/platform/signature-arithmetic.spec.ts', [
    {
      code: 'approval-signature-invalid',
      without: 'comparing the message with the one that was looked at ahead',
      was: 'return found !== undefined && Buffer.compare(found.message, claim.message) === 0',
      becomes: 'return found !== undefined',
      title: 'a verifier that has looked ahead at everything says of each what one says that has not',
    },
  ]),
  ...teethOf('src/signer/anchor.ts', 'src/signer/anchor.spec.ts', [
    {
      code: 'anchor-malformed',
      without: 'the form of the record on the token',
      was: 'if (outliving === null || record.version < 1n || record.version > BigInt(Number.MAX_SAFE_INTEGER)) {',
      becomes:
        'if (outliving === null) return { genesisHash: "", sequence: 0, hash: "", checkpoint: undefined, reservation: undefined, governance: undefined };\n  if (false) {',
      title:
        'the record on the token that is not there as it was any more stops everything (anchor-malformed)',
    },
    {
      code: 'anchor-missing',
      without: 'noticing that the record went away while it runs',
      was: "if (!record) throw new Fault<AnchorFaultCode>('anchor-missing', 'the record on the token is gone');\n",
      becomes: 'if (!record) return { version: 1n, value: new Uint8Array(64) };\n',
      title: 'the record on the token that is not there as it was any more stops everything (anchor-missing)',
    },
    {
      code: 'store-other-genesis',
      without: 'noticing that the record is of another genesis',
      was: 'if (pinned.genesisHash !== this.genesisHash) {',
      becomes: 'if (false) {',
      title:
        'the record on the token that is not there as it was any more stops everything (store-other-genesis)',
    },
    {
      code: 'store-rolled-back',
      without: 'comparing the journal with the record before each write',
      was: '      this.journal.requireAnchor(pinned);\n',
      becomes: '',
      title: 'the record on the token refuses store-rolled-back for good when somebody else goes on with it',
    },
    {
      code: 'store-rolled-back',
      without: 'saying which record it is that is replaced',
      was: 'await this.token.writeRecord(ANCHOR_RECORD, after, before);',
      becomes: 'await this.token.writeRecord(ANCHOR_RECORD, after);',
      title:
        'the record on the token refuses store-rolled-back for good when somebody else writes between two of its own',
    },
    {
      code: 'store-rolled-back',
      without: 'giving up for good once the record was of another journal',
      was: '      if (error instanceof Fault) this.lost = error;\n',
      becomes: '',
      title: 'the record on the token refuses store-rolled-back for good when somebody else goes on with it',
    },
  ]),
  ...teethOf('src/signer/start.ts', 'test/signer/store.integration.spec.ts', [
    {
      code: 'anchor-missing',
      without: 'the demand that the token was part of a ceremony',
      was: "if (!pinned) throw new Fault<AnchorFaultCode>('anchor-missing', 'the token was never part of a ceremony');\n  requireDeployment(config, pinned.genesisHash);",
      becomes: "requireDeployment(config, pinned?.genesisHash ?? '');",
      test: 'src/signer/start.spec.ts',
      title: 'a signer does not start with a token that was never part of a ceremony (anchor-missing)',
    },
    {
      code: 'anchor-exists',
      without: 'the demand that a token is pinned once',
      was: "if (pinned) throw new Fault<AnchorFaultCode>('anchor-exists', 'the token is pinned to a genesis already');\n",
      becomes: '',
      title: 'a signer does not start and no second ceremony goes over a pinned token (anchor-exists)',
    },
    {
      code: 'store-other-genesis',
      without: 'the demand that a genesis is valid',
      was: "if (replayed.kind === 'refused') {\n    throw new Fault<StoreFaultCode>('store-other-genesis'",
      becomes:
        "if (replayed.kind !== 'refused' && config.storePath === '') {\n    throw new Fault<StoreFaultCode>('store-other-genesis'",
      test: 'src/signer/start.spec.ts',
      title: 'a ceremony makes nothing of a genesis that its own quorum has not signed (store-other-genesis)',
    },
    {
      code: 'store-other-genesis',
      without: 'comparing the genesis with the configuration',
      was: 'if (found === config.deploymentId) return;',
      becomes: 'if (found !== undefined) return;',
      test: 'src/signer/start.spec.ts',
      title: 'a signer does not start with a token of another deployment (store-other-genesis)',
    },
    {
      code: 'store-rolled-back',
      without: 'comparing the store with the record at the start',
      was: '    store.requireAnchor(pinned);\n',
      becomes: '',
      title: "a signer does not start with yesterday's store (store-rolled-back)",
    },
    {
      code: 'token-unknown',
      without: 'the demand that the token of the record is configured',
      was: "if (token) return token;\n  throw new Fault<SignerFaultCode>('token-unknown', 'the token for the anchor is not configured', {",
      becomes:
        "const [any] = tokens.values();\n  if (token ?? any) return (token ?? any) as Token;\n  throw new Fault('internal', 'the token for the anchor is not configured', {",
      test: 'src/signer/start.spec.ts',
      title: 'a signer does not start without the token that holds its record (token-unknown)',
    },
  ]),
  ...teethOf('src/signer/seal.ts', 'src/signer/seal.spec.ts', [
    {
      code: 'seal-missing',
      without: 'the demand for the secret of the seal',
      was: '  if (seal) return seal;\n  throw',
      becomes: '  return seal ?? new Seal(new Uint8Array(32));\n  throw',
      title: 'the secret of the seal is never made by a start (seal-missing)',
    },
    {
      code: 'seal-malformed',
      without: 'the form of the secret of the seal',
      was: 'if (record.value.length !== SECRET_BYTES) {',
      becomes: 'if (false) {',
      title: 'the secret of the seal of 0 bytes is none, for a start or a ceremony (seal-malformed)',
    },
  ]),
  ...teethOf('src/signer/self-check.ts', 'test/signer/keys.integration.spec.ts', [
    {
      code: 'vector-failed',
      without: 'comparing the arithmetic with published results',
      was: 'if (!vector.holds()) {',
      becomes: 'if (false) {',
      test: 'src/signer/known-vectors.spec.ts',
      title:
        'the self-check of published vectors stops a signer whose verifier accepts every signature (vector-failed)',
    },
    {
      code: 'token-unknown',
      without: "the demand that a wallet's token is configured",
      was: 'if (token) return token;\n',
      becomes: 'const [any] = tokens.values();\n  if (token ?? any) return (token ?? any) as Token;\n',
      title:
        "the self-check of a wallet's keys refuses a wallet whose key or token is not there (key-missing, token-unknown)",
    },
    {
      code: 'key-other-curve',
      without: 'asking for the curve of a key',
      was: "    requireKey(description.curve === 'secp256k1', 'key-other-curve', wallet, key.label);\n",
      becomes: '',
      title:
        "the self-check of a wallet's keys refuses a key of the curve that officers use (key-other-curve)",
    },
    {
      code: 'key-other-curve',
      without: 'asking for the curve of a key whose address is told',
      was: "      requireKey(description.curve === 'secp256k1', 'key-other-curve', wallet, label);\n",
      becomes: '',
      title:
        'the self-check of a wallet\'s keys refuses to tell an address of the key "officer" (key-other-curve)',
    },
    {
      code: 'key-other-public-key',
      without: 'comparing the key with the one of governance',
      was: "    requireKey(compressed(description) === key.publicKey, 'key-other-public-key', wallet, key.label);\n",
      becomes: '',
      title:
        "the self-check of a wallet's keys refuses a key that is not the one of governance (key-other-public-key)",
    },
    {
      code: 'key-extractable',
      without: 'asking whether a key can leave its token',
      was: "    requireKey(description.unextractable, 'key-extractable', wallet, key.label);\n",
      becomes: '',
      title: "the self-check of a wallet's keys refuses a key that the token would reveal (key-extractable)",
    },
    {
      code: 'key-not-born-in-token',
      without: 'asking whether a key was made in its token',
      was: "    requireKey(description.bornInToken, 'key-not-born-in-token', wallet, key.label);\n",
      becomes: '',
      title:
        "the self-check of a wallet's keys refuses a key that was brought from outside (key-not-born-in-token)",
    },
    {
      code: 'key-does-not-sign',
      without: 'having a key sign once',
      was: "    requireKey(verifyDigest(key.publicKey, digest, signature), 'key-does-not-sign', wallet, key.label);\n",
      becomes: '',
      title:
        "the self-check of a wallet's keys refuses a key whose public key on the token is another, once it signs (key-does-not-sign)",
    },
  ]),
];
