// The files of one end of a TLS connection: its certificate and key, and the authorities whose certificates it accepts.
// They are read together and checked against each other, so that files in the middle of being replaced are never half
// taken. It opens no connection, and it does NOT look at names: TLS does that.

import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { Fault } from '../core/fault.js';

export type CertificateFaultCode =
  | 'certificate-unreadable'
  | 'certificate-malformed'
  | 'certificate-key-mismatch'
  | 'certificate-expired'
  | 'certificate-not-yet-valid';

export interface CertificateFiles {
  /** PEM: this end's own certificate, then those between it and its authority. */
  readonly certificateFile: string;
  readonly keyFile: string;
  /** PEM: one or several authorities. While one is being replaced, the old one and the new one. */
  readonly authorityFile: string;
}

/** Texts that fit together. The key is a secret. */
export interface Certificates {
  readonly certificate: string;
  readonly key: string;
  readonly authority: string;
  readonly subject: string;
  readonly fingerprint: string;
  readonly validFromMs: number;
  readonly validToMs: number;
  /** How many authorities are accepted. */
  readonly authorities: number;
}

const LARGEST_BYTES = 1024 * 1024;
const PEM_CERTIFICATE = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g;

/** Throws `certificate-unreadable`, `certificate-malformed`, `certificate-key-mismatch`; facts name the file. */
export function readCertificates(files: CertificateFiles): Certificates {
  const certificate = readText(files.certificateFile);
  const key = readText(files.keyFile);
  const authority = readText(files.authorityFile);
  const [own] = certificatesIn(certificate, files.certificateFile);
  const authorities = certificatesIn(authority, files.authorityFile);
  const path = files.keyFile;
  if (!own.checkPrivateKey(privateKeyIn(key, path))) {
    throw new Fault<CertificateFaultCode>('certificate-key-mismatch', 'the key is not the certificate’s', {
      facts: { path, certificate: files.certificateFile },
    });
  }
  return {
    certificate,
    key,
    authority,
    subject: own.subject.replaceAll('\n', ', ').slice(0, 200),
    fingerprint: own.fingerprint256.replaceAll(':', '').toLowerCase(),
    validFromMs: own.validFromDate.getTime(),
    validToMs: own.validToDate.getTime(),
    authorities: authorities.length,
  };
}

/** Throws `certificate-expired`, `certificate-not-yet-valid`. */
export function requireValid(certificates: Certificates, nowMs: number): void {
  const { subject, validFromMs, validToMs } = certificates;
  const facts = { subject, validFrom: iso(validFromMs), validTo: iso(validToMs) };
  if (nowMs > validToMs)
    throw new Fault<CertificateFaultCode>('certificate-expired', 'the certificate has expired', { facts });
  if (nowMs < validFromMs) {
    throw new Fault<CertificateFaultCode>('certificate-not-yet-valid', 'the certificate is not valid yet', {
      facts,
    });
  }
}

/** What a log may say of them. */
export function certificateFacts({ subject, fingerprint, validToMs, authorities }: Certificates) {
  return { subject, fingerprint, validTo: iso(validToMs), authorities } as const;
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}

function readText(path: string): string {
  try {
    const bytes = readFileSync(path);
    if (bytes.length > LARGEST_BYTES) throw new Error('too large');
    return bytes.toString('latin1');
  } catch (cause) {
    throw new Fault<CertificateFaultCode>('certificate-unreadable', `cannot read ${path}`, {
      facts: { path },
      cause,
    });
  }
}

function certificatesIn(text: string, path: string): [X509Certificate, ...X509Certificate[]] {
  try {
    const [first, ...others] = (text.match(PEM_CERTIFICATE) ?? []).map((pem) => new X509Certificate(pem));
    if (first) return [first, ...others];
  } catch (cause) {
    throw malformed('a certificate cannot be read', path, cause);
  }
  throw malformed('it holds no certificate in PEM form', path);
}

function privateKeyIn(text: string, path: string) {
  try {
    return createPrivateKey(text);
  } catch (cause) {
    throw malformed('it holds no private key in PEM form, or one that wants a passphrase', path, cause);
  }
}

function malformed(what: string, path: string, cause?: unknown): Fault<CertificateFaultCode> {
  return new Fault('certificate-malformed', `${path}: ${what}`, {
    facts: { path },
    ...(cause === undefined ? {} : { cause }),
  });
}
