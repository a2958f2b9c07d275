// Teeth of facts: what a watcher signs, and how often.

import { type Tooth, teethOf } from '../tooth.js';

export const FACTS: readonly Tooth[] = [
  ...teethOf('src/core/money/fiat.ts', 'src/core/money/fiat.spec.ts', [
    {
      code: 'price-malformed',
      without: 'the demand that a price is a plain number above 0',
      was: '  if (price) return price;\n',
      becomes: '  if (price || text) return price ?? { digits: 0n, decimals: 0 };\n',
      title: 'prices refuses',
    },
  ]),
  ...teethOf('src/core/facts/ethereum-header.ts', 'src/core/facts/trie.spec.ts', [
    {
      code: 'header-malformed',
      without: 'an answer for what is no header',
      was: "return refused('header-malformed');",
      becomes: "return accepted({ hash: '', previous: '', stateRoot: '', height: 0, minedAtMs: 0 });",
      title: 'is refused with header-malformed when something is missing or is no hex',
    },
    {
      code: 'header-malformed',
      without: 'the bound on heights and times',
      was: ' || !Number.isSafeInteger(height) || !Number.isSafeInteger(minedAtMs)',
      becomes: '',
      title:
        'is refused with header-malformed when its height or its time is no number that anybody can count to',
    },
    {
      code: 'header-hash-differs',
      without: 'comparing the hash of the header with its name',
      was: 'if (hash !== header.hash.slice(2))',
      becomes: 'if (false)',
      title: 'is refused with header-hash-differs when',
    },
  ]),
  ...teethOf('src/core/facts/trie.ts', 'src/core/facts/trie.spec.ts', [
    {
      code: 'trie-proof-invalid',
      without: 'comparing a node with the hash that its parent names',
      was: 'if (!node || bytesToHex(keccak_256(node)) !== hash)',
      becomes: 'if (!node)',
      title: 'any proof is refused when a single bit of it is another one',
    },
    {
      code: 'trie-proof-invalid',
      without: 'the demand that a proof has nothing to spare',
      was: '(used === proof.length ? value : invalid(',
      becomes: '(used <= proof.length ? value : invalid(',
      title: 'is refused with trie-proof-invalid when there is more than is needed',
    },
    {
      code: 'trie-proof-invalid',
      without: 'an answer for a node that is none',
      was: "if (error instanceof Fault && (error.code === 'trie-proof-invalid' || error.code === 'rlp-malformed'))",
      becomes: 'if (error === undefined)',
      title: 'is refused with trie-proof-invalid under another root',
    },
  ]),
  ...teethOf('src/core/facts/verify.ts', 'src/core/facts/verify.spec.ts', [
    {
      code: 'fact-other-deployment',
      without: 'the demand that a fact is for this deployment',
      was: "if (statement.deploymentId !== state.deploymentId) return no('fact-other-deployment');",
      becomes: '',
      title: 'are refused with fact-other-deployment when they are for another one',
    },
    {
      code: 'fact-key-unknown',
      without: 'the demand that governance knows the key',
      was: 'const key = state.factKeys.get(keyId);',
      becomes: 'const key = state.factKeys.get(keyId) ?? [...state.factKeys.values()][0];',
      title: 'are refused with fact-key-unknown when governance does not know their key, or no longer',
    },
    {
      code: 'fact-kind-not-allowed',
      without: 'the kinds that a key may speak about',
      was: 'if (!key.kinds.includes(content.kind))',
      becomes: 'if (false)',
      title: 'are refused with fact-kind-not-allowed when their key may not speak about it',
    },
    {
      code: 'fact-duplicate',
      without: 'the demand that a key speaks once about a thing',
      was: 'if (seen.has(name))',
      becomes: 'if (false)',
      title: 'are refused with fact-duplicate when one key speaks twice about one thing',
    },
    {
      code: 'fact-from-the-future',
      without: 'the bound on how far a clock may be ahead',
      was: 'if (observedAtMs > nowMs + MAX_FACT_SKEW_MS)',
      becomes: 'if (false)',
      title: 'are refused with fact-from-the-future more than two minutes ahead',
    },
    {
      code: 'fact-too-old',
      without: 'the age limit',
      was: 'if (observedAtMs + maxAgeMs < nowMs)',
      becomes: 'if (false)',
      title: 'are refused with fact-too-old one millisecond behind the limit',
    },
    {
      code: 'fact-signature-invalid',
      without: 'the signature',
      was: 'if (!verifier.ed25519(hexToBytes(key.publicKey), factBytes(statement), hexToBytes(signature)))',
      becomes: 'if (!verifier)',
      title: 'are refused with fact-signature-invalid when one letter of them is another',
    },
  ]),
  ...teethOf('src/signer/heard-facts.ts', 'src/signer/heard-facts.spec.ts', [
    {
      code: 'fact-sequence-decreased',
      without: 'comparing a fact with the newest one that was reserved with',
      was: 'for (const newest of [heard, this.ledger.newestFact(keyId, subject)]) {',
      becomes: 'for (const newest of [heard]) {',
      title: 'never are older ones (fact-sequence-decreased)',
    },
    {
      code: 'fact-sequence-decreased',
      without: 'comparing a fact with the newest one that came with an order of which nothing came',
      was: 'for (const newest of [heard, this.ledger.newestFact(keyId, subject)]) {',
      becomes: 'for (const newest of [this.ledger.newestFact(keyId, subject)]) {',
      title: 'never are older ones, nor others under the same sequence (fact-sequence-decreased)',
    },
    {
      code: 'fact-sequence-decreased',
      without: 'the demand that a sequence stands for one fact',
      was: 'sequence === newest.sequence && factDigest(statement) === newest.digest',
      becomes: 'sequence === newest.sequence',
      title: 'never are others under a sequence that was there (fact-sequence-decreased)',
    },
    {
      code: 'fact-order-unknown',
      without: 'the demand that a fact was seen since the signer began',
      was: 'this.unknownUpToMs.get(keyId) ?? this.beganMs - 1;\n    return',
      becomes: 'this.unknownUpToMs.get(keyId) ?? 0;\n    return',
      title: 'are not taken: it may have heard newer ones in the life before (fact-order-unknown)',
    },
    {
      code: 'fact-order-unknown',
      without: 'remembering up to when something was forgotten',
      was: 'this.unknownUpToMs.set(keyId, Math.max(upToMs, observedAtMs));',
      becomes: 'this.unknownUpToMs.set(keyId, Math.min(upToMs, observedAtMs));',
      title: 'takes nothing that could be older than what was forgotten (fact-order-unknown)',
    },
  ]),
  ...teethOf('src/signer/signer.ts', 'test/signer/two-watchers.integration.spec.ts', [
    {
      code: 'fact-sequence-decreased',
      without: 'comparing the facts of an order with those that were heard',
      was: "    if (free.kind === 'refused') return free;\n    if (newest.kind === 'refused') return newest;\n",
      becomes: "    if (free.kind === 'refused') return free;\n",
      title: 'counts also where nothing came of the order (fact-sequence-decreased)',
    },
  ]),
];
