// Teeth of the word about governance's head that unattended signing asks for.

import { type Tooth, teethOf } from '../tooth.js';

export const HEADS: readonly Tooth[] = [
  ...teethOf('src/core/governance/fresh-head.ts', 'src/core/governance/fresh-head.spec.ts', [
    {
      code: 'head-missing',
      without: 'the demand for a word at all',
      was: "if (!signed) return refused('head-missing', { maxAgeMs });",
      becomes: "if (!signed) return { kind: 'accepted', value: signed as unknown as SignedHead };",
      title: "a governor's word about the log's head is refused where there is none",
    },
    {
      code: 'head-unknown',
      without: 'looking for the entry in this log',
      was: 'if (!isOurs || createdAtMs > nowMs + MAX_HEAD_SKEW_MS) {',
      becomes: 'if (createdAtMs > nowMs + MAX_HEAD_SKEW_MS) {',
      title:
        "a governor's word about the log's head about an entry that is not here yet says that this log is behind",
    },
    {
      code: 'head-stale',
      without: 'the age of the word',
      was: 'if (createdAtMs + maxAgeMs <= nowMs)',
      becomes: 'if (false)',
      title: "a governor's word about the log's head is stale from its age on, and not before",
    },
    {
      code: 'head-signer-not-governor',
      without: 'the demand that a governor says it',
      was: 'if (!holder || !state.groups.get(state.quorum.group)?.includes(holder.person.personId)) {',
      becomes: 'if (!holder) {',
      title: "a governor's word about the log's head is refused from who is no governor",
    },
    {
      code: 'head-signature-invalid',
      without: 'verifying the signature of the word',
      was: 'return isSignedBy(holder.credential, headBytes(statement), signature, verifier)\n    ?',
      becomes: 'return true\n    ?',
      title: "a governor's word about the log's head is refused from who is no governor",
    },
  ]),
  ...teethOf('src/core/authorization/authorize.ts', 'test/signer/fresh-heads.integration.spec.ts', [
    {
      code: 'head-missing',
      without: 'asking for the word where nobody approves',
      was: "if (decision.kind !== 'allow' || pastOf(transferId) === 'signed') return accepted(undefined);",
      becomes: 'if (decision.kind) return accepted(undefined);',
      title: 'what nobody approves is signed with a fresh word alone',
    },
  ]),
];
