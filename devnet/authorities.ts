// Certificate authorities for tests, made by openssl when they are needed and forgotten with their folder.

import { execFileSync } from 'node:child_process';
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const NEW_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];

export interface IssueOptions {
  readonly usage: 'clientAuth' | 'serverAuth';
  /** As openssl names them; `IP:127.0.0.1` unless given. */
  readonly names?: string;
  /** From now; negative for one that has expired. */
  readonly days?: number;
}

/** NAME.pem and NAME.key for each certificate, in one folder. */
export class Authorities {
  constructor(readonly folder: string) {}

  private openssl(...parameters: string[]): void {
    execFileSync('openssl', parameters, { cwd: this.folder, stdio: 'pipe' });
  }

  /** All have the same subject: a name proves nothing. */
  found(name: string): void {
    const files = ['-keyout', `${name}.key`, '-out', `${name}.pem`];
    this.openssl('req', '-x509', ...NEW_KEY, '-days', '2', ...files, '-subj', '/CN=treasury authority');
  }

  issue(name: string, by: string, { usage, names = 'IP:127.0.0.1', days = 1 }: IssueOptions): void {
    const files = ['-keyout', `${name}.key`, '-out', `${name}.csr`];
    this.openssl('req', '-new', ...NEW_KEY, ...files, '-subj', `/CN=${name}`);
    writeFileSync(this.path(`${name}.ext`), `extendedKeyUsage=${usage}\nsubjectAltName=${names}\n`);
    const issuer = ['-CA', `${by}.pem`, '-CAkey', `${by}.key`, '-days', `${days}`, '-extfile', `${name}.ext`];
    this.openssl('x509', '-req', '-in', `${name}.csr`, ...issuer, '-out', `${name}.pem`);
  }

  path(file: string): string {
    return join(this.folder, file);
  }

  pem(name: string): string {
    return readFileSync(this.path(`${name}.pem`), 'utf8');
  }

  /** What a TLS connection shows. */
  holding(name: string): { readonly cert: string; readonly key: string } {
    return { cert: this.pem(name), key: readFileSync(this.path(`${name}.key`), 'utf8') };
  }

  /** Puts a certificate, its key, or both where a program reads them. */
  install(name: string, as: string, parts: readonly ('pem' | 'key')[] = ['pem', 'key']): void {
    for (const part of parts) copyFileSync(this.path(`${name}.${part}`), this.path(`${as}.${part}`));
  }

  /** A file with the certificates of all of these authorities. */
  bundle(names: readonly string[], as: string): void {
    writeFileSync(this.path(`${as}.pem`), names.map((name) => this.pem(name)).join(''));
  }
}
