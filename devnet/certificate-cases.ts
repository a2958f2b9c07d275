// The vectors as they are written down: what each file holds and what it has to come to, and what certificates are altered with.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Certificate } from '../src/core/certificates/certificate.js';
import type { ChainRefusalCode } from '../src/core/certificates/chain.js';
import { EXIT_OF_VERDICT, type OTHER_RULES, type Verdict } from '../src/core/certificates/dossier.js';
import type { ReckoningRefusalCode } from '../src/core/certificates/reckoning.js';
import type { CertificateRefusalCode } from '../src/core/certificates/verify.js';
import { type CanonicalValue, canonicalJson } from '../src/core/statements/canonical-json.js';
import { repositoryRoot } from './paths.js';

export const FOLDER = join(repositoryRoot, 'verifier', 'vectors');

interface Case {
  readonly why: string;
  readonly files: readonly string[];
  readonly whole: boolean;
  readonly exit: number;
  /** Of what is refused, in order. */
  readonly codes: readonly string[];
}

/** What each file holds, and what it has to come to. */
export class Vectors {
  readonly cases: Case[] = [];

  add(
    name: string,
    certificates: readonly unknown[],
    why: string,
    verdict: Verdict = 'proved',
    codes: readonly (
      | CertificateRefusalCode
      | ChainRefusalCode
      | ReckoningRefusalCode
      | typeof OTHER_RULES
    )[] = [],
    whole = false,
  ): void {
    const text = certificates.map((one) => `${canonicalJson(one as CanonicalValue)}\n`).join('');
    this.addText(`${name}.jsonl`, text, why, verdict, codes, whole);
  }

  addText(
    file: string,
    text: string,
    why: string,
    verdict: Verdict,
    codes: readonly string[],
    whole = false,
  ): void {
    writeFileSync(join(FOLDER, file), text);
    this.cases.push({ why, files: [file], whole, exit: EXIT_OF_VERDICT[verdict], codes });
  }

  write(): void {
    writeFileSync(join(FOLDER, 'expected.json'), `${JSON.stringify(this.cases, undefined, 2)}\n`);
  }
}

type Reservation = Certificate['reservation'];

export function bare({ attestation: _, ...rest }: Certificate): Certificate {
  return rest;
}

export function reserved(one: Certificate, changes: Partial<Reservation>): Certificate {
  return { ...one, reservation: { ...one.reservation, ...changes } };
}

export function at(certificates: readonly Certificate[], ordinal: number): Certificate {
  const found = certificates[ordinal - 1];
  if (!found) throw new Error(`no certificate ${ordinal}`);
  return found;
}

type Add = (name: string, one: Certificate, why: string, code: CertificateRefusalCode) => void;

/** Vectors of one certificate each, that is refused. */
export function adding(vectors: Vectors): Add {
  return (name, one, why, code) => vectors.add(name, [one], why, 'refused', [code]);
}
