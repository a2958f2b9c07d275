// Files of certificates, checked together: what an auditor's program and the command line both do. It takes texts and gives a
// report; reading files and showing words is for the programs. docs/certificates.md says what the files look like.

import { z } from 'zod';
import { accepted, type Outcome } from '../fault.js';
import { entryBody, entryHash, type GovernanceEntry, governanceEntry } from '../governance/entry.js';
import type { SignatureVerifier } from '../statements/signature.js';
import { type Chain, type ChainRefusalCode, checkChain, latestOf } from './chain.js';
import { belongingTo, certificatesIn, type EvidenceFile, malformed } from './evidence-file.js';
import { History } from './history.js';
import { type ReckoningRefusalCode, reckon } from './reckoning.js';
import { type CertificateRefusalCode, type Verified, verifyUnder } from './verify.js';

/** What an auditor knows beside the certificates. */
export interface Evidence {
  readonly log: readonly GovernanceEntry[];
  /** Hash of genesis, from elsewhere. */
  readonly genesisHash: string;
  readonly verifier: SignatureVerifier;
}

export interface Checked {
  readonly file: string;
  /** From 0, within the file. */
  readonly index: number;
  readonly outcome: Outcome<Verified, CertificateRefusalCode>;
}

/** What it comes to. Each has an exit code of its own. */
export type Verdict = 'proved' | 'refused' | 'malformed' | 'mismatch' | 'gap' | 'unattested' | 'other-rules';

/** How a program ends; docs/certificates.md lists them. Those between are of the command line. */
export const EXIT_OF_VERDICT = {
  proved: 0,
  refused: 1,
  malformed: 2,
  mismatch: 4,
  gap: 8,
  unattested: 9,
  'other-rules': 10,
} as const satisfies Readonly<Record<Verdict, number>>;

export interface Dossier {
  readonly checked: readonly Checked[];
  readonly chain: Outcome<Chain, ChainRefusalCode | ReckoningRefusalCode>;
  /** Ordinals of those whose limits and past follow from all that came before them. */
  readonly reckoned: ReadonlySet<number>;
  readonly verdict: Verdict;
}

/** Each certificate in the files by itself. Files and log are hostile. */
function checkFiles(files: readonly EvidenceFile[], { log, genesisHash, verifier }: Evidence): Checked[] {
  const history = new History(log, verifier);
  return files.flatMap(({ name, text }) => {
    const { transferId, certificates } = certificatesIn(text);
    const outcomes = certificates.map((found) =>
      found.kind === 'refused' ? found : verifyUnder(found.value, history, genesisHash, verifier),
    );
    const told = transferId === undefined ? outcomes : ofTransfer(transferId, outcomes);
    return told.map((outcome, index) => ({ file: name, index, outcome }));
  });
}

/** An answer of the API says which transfer it is about: a certificate of another one in it is refused. */
function ofTransfer(transferId: string, outcomes: readonly Checked['outcome'][]): Checked['outcome'][] {
  const certificates = outcomes.flatMap((one) => (one.kind === 'accepted' ? one.value.certificate : []));
  const belonging = belongingTo(transferId, certificates);
  return outcomes.map((one) =>
    one.kind === 'refused' || belonging.has(one.value.certificate)
      ? one
      : malformed('a certificate of another transfer than the file says, or a cancel of none in it'),
  );
}

/** The evidence is not about the deployment that the person trusts, as opposed to a certificate that is wrong. */
const MISMATCHES: readonly string[] = [
  'certificate-other-deployment',
  'certificate-log-too-short',
  'certificate-log-invalid',
] satisfies CertificateRefusalCode[];

function isMismatch(code: string): boolean {
  return MISMATCHES.includes(code);
}

/** Neither refused nor proved: it was decided by rules that this code does not have, and everything else of it holds. */
export const OTHER_RULES = 'certificate-other-rules';

/** What is the matter with a certificate; undefined where nothing is. */
export function codeOf({ outcome }: Checked): CertificateRefusalCode | typeof OTHER_RULES | undefined {
  if (outcome.kind === 'refused') return outcome.code;
  return outcome.value.otherRules ? OTHER_RULES : undefined;
}

function verdictOf(checked: readonly Checked[], chain: Dossier['chain'], whole: boolean): Verdict {
  const codes = checked.flatMap(({ outcome }) => (outcome.kind === 'refused' ? [outcome.code] : []));
  const isWrong = (code: string) => code !== 'certificate-malformed' && !isMismatch(code);
  if (codes.some(isWrong) || chain.kind === 'refused') return 'refused';
  if (codes.some((code) => code === 'certificate-malformed')) return 'malformed';
  if (codes.length > 0) return 'mismatch';
  if (whole && chain.value.missing.length + chain.value.outdated.length > 0) return 'gap';
  if (checked.some((one) => codeOf(one) === OTHER_RULES)) return 'other-rules';
  const isAttested = checked.every(
    ({ outcome }) => outcome.kind === 'accepted' && outcome.value.attested !== undefined,
  );
  return isAttested ? 'proved' : 'unattested';
}

const NOTHING: ReadonlySet<number> = new Set();

function amongEachOther(verified: readonly Verified[], whole: boolean): Pick<Dossier, 'chain' | 'reckoned'> {
  const chain = checkChain(verified, whole);
  const latest = latestOf(verified);
  if (chain.kind === 'refused' || latest.kind === 'refused') return { chain, reckoned: NOTHING };
  const reckoned = reckon(
    latest.value.map(([, one]) => one),
    verified,
    new Set(chain.value.outdated.map(({ ordinal }) => ordinal)),
  );
  return reckoned.kind === 'refused'
    ? { chain: reckoned, reckoned: NOTHING }
    : { chain, reckoned: reckoned.value };
}

/** What those before it say as well is proved with them. */
function withReckoned(checked: Checked, reckoned: ReadonlySet<number>): Checked {
  const { outcome } = checked;
  if (outcome.kind === 'refused' || !reckoned.has(outcome.value.certificate.reservation.ordinal))
    return checked;
  const { proved, trusted, fromBefore } = outcome.value;
  return {
    ...checked,
    outcome: accepted({
      ...outcome.value,
      proved: [...proved, ...fromBefore.map((sentence) => `${sentence}: so say the certificates before it`)],
      trusted: trusted.filter((sentence) => !fromBefore.includes(sentence)),
    }),
  };
}

/** All of the files, and the chain among what holds of them. `whole`: they are said to be all that there are. */
export function checkDossier(files: readonly EvidenceFile[], evidence: Evidence, whole: boolean): Dossier {
  const checked = checkFiles(files, evidence);
  const verified = checked.flatMap(({ outcome }) => (outcome.kind === 'accepted' ? [outcome.value] : []));
  const { chain, reckoned } = amongEachOther(verified, whole);
  return {
    checked: checked.map((one) => withReckoned(one, reckoned)),
    chain,
    reckoned,
    verdict: verdictOf(checked, chain, whole),
  };
}

const logFile = z.union([z.array(governanceEntry).min(1), governanceEntry.transform((entry) => [entry])]);

function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

const MOST_SHOWN = 120;

/** Why a value is no log: what is wrong with its first entry that is none. */
function whyNoLog(value: unknown): string {
  if (value === undefined) return 'it is not JSON';
  const entries: readonly unknown[] = Array.isArray(value) ? value : [value];
  for (const [at, entry] of entries.entries()) {
    const parsed = governanceEntry.safeParse(entry);
    const [first] = parsed.error?.issues ?? [];
    if (!first) continue;
    const where =
      first.path.length === 0 ? '' : `, at ${first.path.map(String).join('.').slice(0, MOST_SHOWN)}`;
    return `entry ${at}${where}: ${first.message.slice(0, MOST_SHOWN)}`;
  }
  return 'it has no entries';
}

/** A governance log: a list of entries, or genesis alone. */
export function logIn(text: string): GovernanceEntry[] | { readonly why: string } {
  const value = jsonIn(text);
  return logFile.safeParse(value).data ?? { why: whyNoLog(value) };
}

/** A deployment id, which is the hash of genesis, however it is grouped; or the genesis entry. Undefined for anything else. */
export function genesisHashIn(text: string): string | undefined {
  const plain = text.replaceAll(/[\s-]/g, '').toLowerCase();
  if (/^[0-9a-f]{64}$/.test(plain)) return plain;
  const entry = z.looseObject({ body: entryBody }).safeParse(jsonIn(text)).data;
  return entry && entryHash(entry.body);
}
