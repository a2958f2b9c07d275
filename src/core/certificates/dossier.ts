// Files of certificates, checked together: what an auditor's program and the command line both do. It takes texts and gives a
// report; reading files and showing words is for the programs. docs/certificates.md says what the files look like.

import { z } from 'zod';
import { accepted, Fault, type Outcome, refused } from '../fault.js';
import { entryBody, entryHash, type GovernanceEntry, governanceEntry } from '../governance/entry.js';
import { type CanonicalValue, canonicalJson } from '../statements/canonical-json.js';
import type { SignatureVerifier } from '../statements/signature.js';
import { decisionsOf } from './certificate.js';
import { type Chain, type ChainRefusalCode, checkChain, latestOf } from './chain.js';
import { History } from './history.js';
import { type ReckoningRefusalCode, reckon } from './reckoning.js';
import { type CertificateRefusalCode, type Verified, verifyUnder } from './verify.js';

export interface EvidenceFile {
  readonly name: string;
  readonly text: string;
}

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
export type Verdict = 'proved' | 'refused' | 'malformed' | 'mismatch' | 'gap' | 'unattested';

/** How a program ends; docs/certificates.md lists them. Those between are of the command line. */
export const EXIT_OF_VERDICT = {
  proved: 0,
  refused: 1,
  malformed: 2,
  mismatch: 4,
  gap: 8,
  unattested: 9,
} as const satisfies Readonly<Record<Verdict, number>>;

export interface Dossier {
  readonly checked: readonly Checked[];
  readonly chain: Outcome<Chain, ChainRefusalCode | ReckoningRefusalCode>;
  /** Ordinals of those whose limits and past follow from all that came before them. */
  readonly reckoned: ReadonlySet<number>;
  readonly verdict: Verdict;
}

const compactFile = z.strictObject({ transferId: z.string(), certificates: z.array(z.unknown()).min(1) });

function malformed(why: string) {
  return refused('certificate-malformed', { why });
}

/** The value of a text in its one spelling, so that no byte of it could be another one. */
function canonicalValue(text: string): Outcome<unknown, 'certificate-malformed'> {
  try {
    const value: unknown = JSON.parse(text);
    return canonicalJson(value as CanonicalValue) === text
      ? accepted(value)
      : malformed('not in canonical form (RFC 8785)');
  } catch (error) {
    if (error instanceof SyntaxError) return malformed('not JSON');
    if (error instanceof Fault && error.code === 'not-canonical') return malformed(error.message);
    throw error;
  }
}

interface Found {
  readonly transferId: string | undefined;
  readonly certificates: readonly Outcome<unknown, 'certificate-malformed'>[];
}

/** An answer of the API as it was sent; undefined for another text. */
function answerIn(text: string): Found | undefined {
  if (!text.startsWith('{"transferId":')) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    const parsed = compactFile.safeParse(value);
    if (!parsed.success || JSON.stringify(value) !== text) return undefined;
    const { transferId, certificates } = parsed.data;
    return { transferId, certificates: certificates.map((one) => accepted(one)) };
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** A certificate a line, each in canonical form; or an answer of the API. The text is hostile. */
function certificatesIn(text: string): Found {
  const answer = answerIn(text);
  if (answer) return answer;
  const lines = text.endsWith('\n') ? text.slice(0, -1) : text;
  return { transferId: undefined, certificates: lines.split('\n').map(canonicalValue) };
}

function isOf({ certificate }: Verified, transferId: string | undefined): boolean {
  const decisions = decisionsOf(certificate);
  // A cancel has none, and is among what was signed for the transfers that it cancels.
  return (
    transferId === undefined ||
    decisions.length === 0 ||
    decisions.some((decision) => decision.transferId === transferId)
  );
}

/** Each certificate in the files by itself. Files and log are hostile. */
function checkFiles(files: readonly EvidenceFile[], { log, genesisHash, verifier }: Evidence): Checked[] {
  const history = new History(log, verifier);
  return files.flatMap(({ name, text }) => {
    const { transferId, certificates } = certificatesIn(text);
    return certificates.map((found, index) => {
      const outcome =
        found.kind === 'refused' ? found : verifyUnder(found.value, history, genesisHash, verifier);
      const isOther = outcome.kind === 'accepted' && !isOf(outcome.value, transferId);
      return {
        file: name,
        index,
        outcome: isOther ? malformed('a certificate of another transfer than the file says') : outcome,
      };
    });
  });
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

function verdictOf(checked: readonly Checked[], chain: Dossier['chain'], whole: boolean): Verdict {
  const codes = checked.flatMap(({ outcome }) => (outcome.kind === 'refused' ? [outcome.code] : []));
  const isWrong = (code: string) => code !== 'certificate-malformed' && !isMismatch(code);
  if (codes.some(isWrong) || chain.kind === 'refused') return 'refused';
  if (codes.some((code) => code === 'certificate-malformed')) return 'malformed';
  if (codes.length > 0) return 'mismatch';
  if (whole && chain.value.missing.length + chain.value.outdated.length > 0) return 'gap';
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

function parsedAs<T>(schema: z.ZodType<T>, text: string): T | undefined {
  try {
    return schema.safeParse(JSON.parse(text)).data;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** A governance log: a list of entries, or genesis alone. Undefined for anything else. */
export function logIn(text: string): GovernanceEntry[] | undefined {
  return parsedAs(logFile, text);
}

/** A deployment id, which is the hash of genesis, however it is grouped; or the genesis entry. Undefined for anything else. */
export function genesisHashIn(text: string): string | undefined {
  const plain = text.replaceAll(/[\s-]/g, '').toLowerCase();
  if (/^[0-9a-f]{64}$/.test(plain)) return plain;
  const entry = parsedAs(z.looseObject({ body: entryBody }), text);
  return entry && entryHash(entry.body);
}
