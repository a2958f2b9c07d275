// What is to be said of a dossier: in words for a person, and as a value for a program. It judges nothing.

import { isSigned } from './certificate.js';
import type { Chain, Ordinals, Outdated } from './chain.js';
import { type Checked, type Dossier, OTHER_RULES, type Verdict } from './dossier.js';

function ordinalWords({ from, to }: Ordinals): string {
  return from === to ? `reservation ${from}` : `reservations ${from} to ${to}`;
}

export interface ChainWords {
  readonly proved: readonly string[];
  readonly trusted: readonly string[];
  readonly missing: readonly string[];
}

function outdatedWords({ ordinal, begunAtMs, newestAtMs }: Outdated): string {
  const [begun, newest] = [begunAtMs, newestAtMs].map((ms) => new Date(ms).toISOString());
  return `${ordinalWords({ from: ordinal, to: ordinal })}, since ${begun}: it was begun then, and the newest word of the signer is of ${newest}; it may have been signed between the two. The signer says what became of it when it is asked again`;
}

/** What is to be said of the chain. A single certificate is no chain, unless it is said to be all that there is. */
export function chainWords(chain: Chain, whole: boolean): ChainWords {
  const { here, missing, outdated, begun, newest, keptFrom } = chain;
  if (!here || (here.from === here.to && !whole)) return { proved: [], trusted: [], missing: [] };
  const isWhole = whole && missing.length + outdated.length === 0;
  const until = newest && new Date(newest.atMs).toISOString();
  const proved =
    missing.length > 0
      ? []
      : isWhole && newest
        ? [`these are all ${newest.ordinal} reservations that there were at ${until}: no signature is hidden`]
        : [`${ordinalWords(here)} follow each other without a gap`];
  const lost = (range: Ordinals) =>
    range.to < keptFrom ? ', lost with a store of the signer, as it says' : '';
  return {
    proved,
    trusted: [
      ...(newest ? [`that the signer reserved nothing after ${newest.ordinal} since ${until}`] : []),
      ...begun.map(
        (ordinal) =>
          `that ${ordinalWords({ from: ordinal, to: ordinal })}, which was begun, was not signed since either`,
      ),
      ...(newest ? [] : ['how many reservations there are: nothing is attested']),
      ...(keptFrom > here.from ? [`that a store of the signer was lost before reservation ${keptFrom}`] : []),
    ],
    missing: [
      ...missing.map((range) => `${ordinalWords(range)}: something may have been signed there${lost(range)}`),
      ...outdated.map(outdatedWords),
    ],
  };
}

/** Beside what is said of the chain itself: where nothing is, a single certificate says what it has from those before it. */
function withReckoned(words: ChainWords, count: number): ChainWords {
  if (count === 0 || words.trusted.length === 0) return words;
  const them = count === 1 ? 'one of them' : `${count} of them`;
  return {
    ...words,
    proved: [
      ...words.proved,
      `what ${them} ${count === 1 ? 'says' : 'say'} of limits used before and of earlier transactions is what those before come to`,
      ...(count > 1 ? ['of what these signed for one transfer, no two transactions can both be mined'] : []),
    ],
    trusted: [...words.trusted, 'how much time passed between them, as the signer measured it'],
  };
}

/** The chain as something to say; undefined when there is nothing. */
export function chainSaid({ chain, reckoned }: Dossier, whole: boolean): ChainWords | undefined {
  if (chain.kind === 'refused') return undefined;
  const words = withReckoned(chainWords(chain.value, whole), reckoned.size);
  const { proved, trusted, missing } = words;
  return proved.length + trusted.length + missing.length === 0 ? undefined : words;
}

export function titleOf({ file, index }: Checked): string {
  return index === 0 ? file : `${file}, certificate ${index + 1}`;
}

/** What a certificate is about, in a few words. */
export function subjectOf({ outcome }: Checked): string {
  if (outcome.kind === 'refused') return outcome.code;
  const { certificate } = outcome.value;
  const { ordinal } = certificate.reservation;
  const rules = outcome.value.otherRules ? ` (${OTHER_RULES})` : '';
  return isSigned(certificate)
    ? `reservation ${ordinal}: ${certificate.outcome.transactionId}${rules}`
    : `reservation ${ordinal}: ${certificate.outcome.kind}, never signed${rules}`;
}

function certificateValue(checked: Checked) {
  const { file, index, outcome } = checked;
  if (outcome.kind === 'refused') {
    return { file, index, valid: false, code: outcome.code, facts: outcome.facts };
  }
  const { certificate, proved, trusted, attested, vouching } = outcome.value;
  return {
    file,
    index,
    valid: !outcome.value.otherRules,
    ...(outcome.value.otherRules && { code: OTHER_RULES }),
    signerVersion: certificate.reservation.signerVersion,
    ordinal: certificate.reservation.ordinal,
    outcome: certificate.outcome.kind,
    transactionId: isSigned(certificate) ? certificate.outcome.transactionId : null,
    attestedAtMs: attested?.attestedAtMs ?? null,
    attestationKey: {
      label: vouching.key.label,
      publicKey: vouching.key.publicKey,
      sinceEntry: vouching.sequence,
    },
    proved,
    trusted,
  };
}

/** For a program that reads it as JSON. */
export function reportValue({ checked, chain, reckoned, verdict }: Dossier, genesis: string) {
  return {
    genesis,
    verdict,
    certificates: checked.map(certificateValue),
    chain:
      chain.kind === 'refused'
        ? { valid: false, code: chain.code, facts: chain.facts }
        : { valid: true, ...chain.value, reckoned: reckoned.size },
  };
}

const VERDICT_WORDS: Readonly<Record<Verdict, string>> = {
  proved: 'PROVED',
  refused: 'REFUSED: something does not hold',
  malformed: 'MALFORMED: a file holds something else than certificates in canonical form',
  mismatch: 'MISMATCH: about another deployment, or the governance log does not fit',
  gap: 'GAP: certificates are missing',
  'other-rules':
    'OTHER RULES: it was decided by rules of another version than this verifier has; everything else holds',
  unattested: 'NOT ATTESTED: all holds, and the signer has not vouched for all of it yet',
};

function sections(parts: readonly (readonly [string, readonly string[]])[]): string[] {
  return parts.flatMap(([title, sentences]) =>
    sentences.length === 0 ? [] : [`  ${title}:`, ...sentences.map((sentence) => `    - ${sentence}`)],
  );
}

function certificateText(checked: Checked): string[] {
  const { outcome } = checked;
  const holds = outcome.kind === 'refused' ? 'NOT' : outcome.value.otherRules ? '?  ' : 'ok ';
  const head = `${holds} ${titleOf(checked)}: ${subjectOf(checked)}`;
  if (outcome.kind === 'refused') {
    return [head, ...Object.entries(outcome.facts).map(([key, value]) => `    ${key}: ${String(value)}`)];
  }
  const { proved, trusted } = outcome.value;
  return [
    head,
    ...sections([
      ['proved', proved],
      ['taken on trust', trusted],
    ]),
  ];
}

/** For a person: plain lines. */
export function reportText(dossier: Dossier, whole: boolean): string {
  const { checked, chain, verdict } = dossier;
  const words = chainSaid(dossier, whole);
  const among =
    chain.kind === 'refused'
      ? [`NOT the certificates among each other: ${chain.code}, ordinal ${String(chain.facts.ordinal)}`]
      : words
        ? [
            `${words.missing.length === 0 ? 'ok ' : 'NOT'} the certificates among each other`,
            ...sections([
              ['proved', words.proved],
              ['taken on trust', words.trusted],
              ['missing', words.missing],
            ]),
          ]
        : [];
  return `${[...checked.flatMap(certificateText), ...among, VERDICT_WORDS[verdict]].join('\n')}\n`;
}
