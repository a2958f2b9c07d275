// What an auditor's file holds: certificates, one a line, or an answer of the API about one transfer; each in the one text that its
// value has (RFC 8785). The text is hostile. Whether a certificate holds is verify.ts.

import { z } from 'zod';
import { accepted, Fault, type Outcome, refused } from '../fault.js';
import { type CanonicalValue, canonicalJson } from '../statements/canonical-json.js';
import { type Certificate, decisionsOf } from './certificate.js';

export interface EvidenceFile {
  readonly name: string;
  readonly text: string;
}

type Malformed = 'certificate-malformed';

export interface Found {
  /** The transfer that an answer of the API is about; undefined for a file of certificates. */
  readonly transferId: string | undefined;
  readonly certificates: readonly Outcome<unknown, Malformed>[];
}

const answerFile = z.strictObject({ certificates: z.array(z.unknown()).min(1), transferId: z.string() });

export function malformed(why: string) {
  return refused('certificate-malformed', { why });
}

const NOT_JSON = malformed('not JSON');

/** The value of a text in its one spelling, so that no byte of it could be another one. */
function canonicalValue(text: string): Outcome<unknown, Malformed> {
  try {
    const value: unknown = JSON.parse(text);
    return canonicalJson(value as CanonicalValue) === text
      ? accepted(value)
      : malformed('not in canonical form (RFC 8785)');
  } catch (error) {
    if (error instanceof SyntaxError) return NOT_JSON;
    if (error instanceof Fault && error.code === 'not-canonical') return malformed(error.message);
    throw error;
  }
}

/** Said once of several lines that are none of them one, where the same is wrong with all; undefined where it is not. */
function wrongTogether(text: string, values: Found['certificates']): Outcome<unknown, Malformed> | undefined {
  if (values.length < 2 || values.some(({ kind }) => kind === 'accepted')) return undefined;
  if (canonicalValue(text) !== NOT_JSON)
    return malformed(
      'JSON over several lines: a certificate is one line, as it was saved, and not formatted',
    );
  return values.every((one) => one === NOT_JSON)
    ? malformed('no line of it is JSON: a certificate is one line, as it was saved')
    : undefined;
}

/** A certificate a line, or an answer of the API. */
export function certificatesIn(text: string): Found {
  const lines = (text.endsWith('\n') ? text.slice(0, -1) : text).split('\n');
  const values = lines.map(canonicalValue);
  const [first] = values;
  const wrong = wrongTogether(text, values);
  if (wrong) return { transferId: undefined, certificates: [wrong] };
  const answer =
    values.length === 1 && first?.kind === 'accepted' ? answerFile.safeParse(first.value) : undefined;
  if (!answer?.success) return { transferId: undefined, certificates: values };
  const { transferId, certificates } = answer.data;
  return { transferId, certificates: certificates.map((one) => accepted(one)) };
}

/**
 * Those among certificates that belong to a transfer: it is in them, or they cancel one of those, or such a cancel. What a cancel is
 * for, it does not say: it spends something that they spend.
 */
export function belongingTo(
  transferId: string,
  certificates: readonly Certificate[],
): ReadonlySet<Certificate> {
  const isOwn = (one: Certificate) => decisionsOf(one).some((decision) => decision.transferId === transferId);
  const belonging = new Set(certificates.filter(isOwn));
  const cancels = certificates.filter((one) => decisionsOf(one).length === 0);
  for (let before = -1; before !== belonging.size; ) {
    before = belonging.size;
    const spent = new Set([...belonging].flatMap(({ reservation }) => reservation.spends));
    for (const one of cancels)
      if (one.reservation.spends.some((spend) => spent.has(spend))) belonging.add(one);
  }
  return belonging;
}
