// Teeth of the signer: what was signed before, its door and its messages.

import { type Tooth, teethOf } from '../tooth.js';

export const SIGNER: readonly Tooth[] = [
  ...teethOf('src/signer/checkpoints.ts', 'src/signer/checkpoints.spec.ts', [
    {
      code: 'audit-log-not-set',
      without: 'the demand that governance has named the audit log',
      was: "if (!auditLog) return refused('audit-log-not-set');",
      becomes: '',
      title: 'a checkpoint is refused until governance has named the log (audit-log-not-set)',
    },
    {
      code: 'checkpoint-smaller',
      without: 'comparing the size with the one that was signed last',
      was: "if (size < signed) return refused('checkpoint-smaller', { size, signed, signedRoot });\n",
      becomes: '',
      title: 'a shorter log, not even one that was signed before (checkpoint-smaller)',
    },
    {
      code: 'checkpoint-from-other',
      without: 'comparing where the proof begins with what was signed last',
      was: "if (from !== signed) return refused('checkpoint-from-other', { from, signed, signedRoot });\n",
      becomes: '',
      title: 'a log with a proof from another size, a true one too (checkpoint-from-other)',
    },
    {
      code: 'checkpoint-not-consistent',
      without: 'the proof that the log has only grown',
      was: "if (grown.kind === 'refused')",
      becomes: "if (grown.kind === 'refused' && false)",
      title:
        'a fork that is longer, with its own proof or the one of the true log (checkpoint-not-consistent)',
    },
    {
      code: 'checkpoint-not-consistent',
      without: 'the root that was signed last in the proof',
      was: 'const grown = verifyConsistency(proof, hexToBytes(signedRoot), hexToBytes(root));',
      becomes:
        'const trusted = from === size ? root : signedRoot;\n  const grown = verifyConsistency(proof, hexToBytes(trusted), hexToBytes(root));',
      title: 'a fork of the same size (checkpoint-not-consistent)',
    },
    {
      code: 'checkpoint-of-other-log',
      without: 'the demand that the log of the newest checkpoint is one that governance has closed',
      was: 'return hashes.includes(originHash)',
      becomes: 'return true',
      title:
        'and its naming was lost: nothing is signed of the log before it, nor of one that was never closed (checkpoint-of-other-log)',
    },
    {
      code: 'checkpoint-from-other',
      without: 'telling the logs apart by their origin',
      was: 'if (originHash === originHashOf(auditLog.origin)) return accepted({ size, root });',
      becomes: '',
      title: 'goes on from its own checkpoint after a restart, and after another one was named',
    },
    {
      code: 'checkpoint-too-soon',
      without: 'the bound on how often checkpoints are signed',
      was: "if (waitMs > 0) return refused('checkpoint-too-soon', { waitMs, signed, signedRoot });",
      becomes: '',
      title:
        'checkpoints that are asked for without pause are signed 16 at once and then one in two seconds that the signer ran (checkpoint-too-soon)',
    },
    {
      code: 'audit-key-unusable',
      without: "looking at the log's key before the journal has an entry for it",
      was: "if (waitMs > 0) return refused('audit-key-unusable', { fault: sight.fault, waitMs });",
      becomes: 'if (waitMs > 0) return accepted({ auditLog, auditLogs });',
      title: 'starts, says key-missing, journals nothing, and looks again after half a minute',
    },
    {
      code: 'key-does-not-sign',
      without: "having the audit log's key sign once",
      was: 'if (verifier.ed25519(hexToBytes(key.publicKey), text, signature)) return;',
      becomes: 'if (signature.length === 64) return;',
      title: "the audit log's key has to sign once before anything is served (key-does-not-sign)",
    },
  ]),
  ...teethOf('src/signer/conflicts.ts', 'test/signer/attacks-history.integration.spec.ts', [
    {
      code: 'request-id-used',
      without: 'comparing a request with the one that used its id',
      was: 'if (used !== undefined && used !== request.digest) {',
      becomes: 'if (false) {',
      test: 'test/signer/attacks-texts.integration.spec.ts',
      title: 'requests: the signer refuses a request id that served another request (request-id-used)',
    },
    {
      code: 'outpoint-used',
      without: 'comparing the transfers of an outpoint with those that used it',
      was: "const code = authorization.decoded.intent.family === 'bitcoin' ? 'outpoint-used' : 'nonce-used';",
      becomes:
        "if (authorization.decoded.intent.family === 'bitcoin') return accepted(authorization);\n  const code = authorization.decoded.intent.family === 'bitcoin' ? 'outpoint-used' : 'nonce-used';",
      title: 'what was signed once: the signer refuses an outpoint for another transfer (outpoint-used)',
    },
    {
      code: 'nonce-used',
      without: 'comparing the transfers of a nonce with those that used it',
      was: "const code = authorization.decoded.intent.family === 'bitcoin' ? 'outpoint-used' : 'nonce-used';",
      becomes:
        "if (authorization.decoded.intent.family === 'ethereum') return accepted(authorization);\n  const code = authorization.decoded.intent.family === 'bitcoin' ? 'outpoint-used' : 'nonce-used';",
      test: 'test/signer/voids.integration.spec.ts',
      title: 'what was begun and never signed gives its nonce back to another transfer, and to nothing else',
    },
    {
      code: 'nonce-gap',
      without: 'the demand that nonces follow one another',
      was: 'if (nonce > next)',
      becomes: 'if (false)',
      test: 'test/signer/attacks-bytes.integration.spec.ts',
      title: 'Ethereum bytes: the signer refuses a nonce gap (nonce-gap)',
    },
    {
      code: 'transfer-already-signed',
      without: 'the demand that all transactions of a transfer conflict',
      was: "if (other) return refused('transfer-already-signed', { transferId, by: other.transactionKey });\n",
      becomes: '',
      title:
        'what was signed once: the signer refuses a second transaction for a transfer from other inputs (transfer-already-signed)',
    },
    {
      code: 'cancel-spends-unused',
      without: 'the ban on fresh coins in a cancel',
      was: 'const isOurs = users.length > 0 || ledger.restoredSpend(spend) !== undefined;',
      becomes: "const isOurs = spend !== '';",
      title:
        'what was signed once: the signer refuses a cancel that costs more than the cancelled transfer was allowed to, or brings in fresh coins',
    },
    {
      code: 'cancel-incomplete',
      without: 'the demand that a cancel conflicts with all that it ends',
      was: 'return other ? refused',
      becomes: 'return false ? refused',
      test: 'test/signer/cancels.integration.spec.ts',
      title:
        'a cancel: the signer refuses one that leaves another transaction of the same transfer alive (cancel-incomplete), so that the ceiling is burnt once',
    },
    {
      code: 'transactions-too-many',
      without: 'the bound on transactions of a transfer',
      was: "if (full !== undefined) return refused('transactions-too-many', { transferId: full, max });\n",
      becomes: '',
      test: 'test/signer/cancels.integration.spec.ts',
      title:
        'replacements have an end (transactions-too-many): each takes room for good, charges no limit and needs nobody',
    },
    {
      code: 'nothing-to-cancel',
      without: 'the demand that what a cancel spends was to pay somebody',
      was: 'return feeCeiling === undefined ? undefined : { feeCeiling, moved: undefined };',
      becomes: 'return { feeCeiling: feeCeiling ?? 10n ** 30n, moved: undefined };',
      test: 'test/signer/cancels.integration.spec.ts',
      title: 'a cancel: the signer refuses coins that no transaction spends (nothing-to-cancel)',
    },
  ]),
  ...teethOf('src/signer/signer.ts', 'test/signer/attacks-history.integration.spec.ts', [
    {
      code: 'wallet-frozen',
      without: 'keeping back what was signed before a freeze',
      was: "return free.kind === 'refused' ? free : accepted(result);",
      becomes: 'return accepted(result);',
      test: 'test/signer/freeze.integration.spec.ts',
      title: 'a wallet that is frozen does not give out again what it signed before, until the thaw',
    },
    {
      code: 'transaction-of-other-order',
      without: 'comparing an order with the one whose transaction it is',
      was: '        transferSet(known.transferIds) !== transferSet(transferIdsOf(order)))\n',
      becomes: '        false)\n',
      title: 'what was signed once: the signer refuses an outpoint for another transfer (outpoint-used)',
    },
    {
      code: 'order-too-large',
      without: 'the bound on the burials that an answer has to carry',
      was: ' || burials.length > MAX_CERTIFIED_BURIALS) {',
      becomes: ') {',
      test: 'test/signer/burials.integration.spec.ts',
      title: 'are never more than an answer can carry (order-too-large)',
    },
    {
      code: 'order-too-large',
      without: 'the bound on what an answer has to carry',
      was: 'if (characters > MAX_RESERVATION_CHARACTERS ||',
      becomes: 'if (',
      test: 'test/signer/floods.integration.spec.ts',
      title: 'replies that are too large are seen before anything is reserved (order-too-large)',
    },
    {
      code: 'store-corrupt',
      without: 'the demand that the governance log in the store replays',
      was: "    if (replayed.kind === 'refused') {\n      throw new Fault<StoreFaultCode>('store-corrupt'",
      becomes:
        "    if (replayed.kind === 'refused' && entries.length === 0) {\n      throw new Fault<StoreFaultCode>('store-corrupt'",
      test: 'src/signer/store.spec.ts',
      title:
        'a signer on a store does not start when the governance log in it does not replay (store-corrupt)',
    },
    {
      code: 'store-corrupt',
      without: 'the demand that a quorum signed the restore in the store',
      was: "if (verified.kind === 'accepted') return;\n  throw new Fault<StoreFaultCode>('store-corrupt', 'the restore",
      becomes: "if (begin) return;\n  throw new Fault<StoreFaultCode>('store-corrupt', 'the restore",
      test: 'src/signer/store.spec.ts',
      title:
        'a signer on a store does not start when no quorum signed the restore that it begins with (store-corrupt)',
    },
  ]),
  ...teethOf('src/signer/ledger.ts', 'src/signer/ledger.spec.ts', [
    {
      code: 'store-corrupt',
      without: 'the demand that a reservation follows the one before it',
      was: 'if (ordinal !== next.ordinal || previous !== next.previous) {',
      becomes: 'if (false) {',
      title: 'the ledger takes no reservation that names another one before it (store-corrupt)',
    },
  ]),
  ...teethOf('src/signer/server.ts', 'test/signer/door.integration.spec.ts', [
    {
      code: 'socket-directory-open',
      without: 'looking at the mode of the directory',
      was: 'if (!ours || (status.mode & OPEN_TO_OTHERS) !== 0) {',
      becomes: 'if (!ours) {',
      title: 'the unix socket is refused in a directory of mode 755 (socket-directory-open)',
    },
    {
      code: 'socket-taken',
      without: 'looking at what stands at the path of the socket',
      was: 'if (found && !found.isSocket()) {',
      becomes: 'if (false) {',
      title: 'the unix socket does not replace a file (socket-taken)',
    },
  ]),
  ...teethOf('src/signer/conversation.ts', 'test/signer/messages.integration.spec.ts', [
    {
      code: 'message-malformed',
      without: 'an answer for what is not JSON',
      was: "    return refusal('0', 'message-malformed', { why: 'not JSON' });",
      becomes: '    value = {};',
      title: 'messages: the signer refuses what is not JSON (message-malformed)',
    },
    {
      code: 'message-malformed',
      without: 'the demand for an object',
      was: "if (typeof value !== 'object' || value === null || Array.isArray(value))\n    return refusal('0', 'message-malformed', { why: 'not an object' });\n",
      becomes: '',
      title: 'messages: the signer refuses what is not an object (message-malformed)',
    },
    {
      code: 'message-version',
      without: 'comparing the version of a message',
      was: 'if (named.version !== PROTOCOL_VERSION)',
      becomes: 'if (false)',
      title: 'messages: the signer refuses another version (message-version)',
    },
    {
      code: 'verb-unknown',
      without: 'the list of verbs',
      was: "if (typeof named.verb !== 'string' || !VERBS.includes(named.verb)) return refusal(id, 'verb-unknown');\n",
      becomes: '',
      title: 'messages: the signer refuses no verb (verb-unknown)',
    },
    {
      code: 'message-malformed',
      without: 'the schema of a message',
      was: 'if (parsed.success) return parsed.data;',
      becomes: 'if (named !== undefined) return value as Query;',
      title: 'messages: the signer refuses unknown fields, and fields of the wrong type (message-malformed)',
    },
    {
      code: 'message-malformed',
      without: 'an answer for bytes that are no frame',
      was: "if (error instanceof Fault) this.send({ ...head, kind: 'refused', code: error.code });",
      becomes: "if (error instanceof Fault) this.log('warn', 'not-answered', {});",
      title:
        'messages: the signer refuses a message beyond the bound before a byte of it is kept (message-too-large)',
    },
    {
      code: 'reply-too-large',
      without: 'an answer in place of a reply that no frame can carry',
      was: 'if (bytes.length <= MAX_MESSAGE_BYTES) return encodeFrame(bytes);',
      becomes: 'if (bytes.length > 0) return encodeFrame(bytes);',
      test: 'src/signer/conversation.spec.ts',
      title:
        'a question whose answer fails is answered with reply-too-large when no frame could carry the answer',
    },
  ]),
  ...teethOf('src/signer-protocol/frame.ts', 'src/signer-protocol/frame.spec.ts', [
    {
      code: 'message-empty',
      without: 'the ban on empty messages',
      was: "if (length === 0) throw new Fault<FrameFaultCode>('message-empty', 'a message has no bytes');\n",
      becomes: '',
      title: 'frames refuse an empty message on both sides',
    },
    {
      code: 'message-too-large',
      without: 'the bound on a message',
      was: 'if (length > MAX_MESSAGE_BYTES) {',
      becomes: 'if (false) {',
      title: 'frames refuse a length beyond the bound from the header alone',
    },
    {
      code: 'message-truncated',
      without: 'noticing an end inside a message',
      was: 'if (this.held > 0)\n',
      becomes: 'if (false)\n',
      title: 'frames notice a connection that ends inside a message',
    },
  ]),
];
