// The orchestrator's section of a configuration, checked by the program that would run on it: its schema, and what can be
// seen of the files that it names. Neither database nor signer nor nodes are asked: `portcullis status` does that.

import { Checks } from '../../platform/configuration-checks.js';
import { ConfigurationFile, type Mistake } from '../../platform/configuration-file.js';
import { type Configuration, configuration, type DatabaseSettings, type SignerSettings } from './settings.js';

const SQLITE = 'sqlite:';

/** Throws a ConfigurationFaultCode when there is nothing to check. */
export function checkConfiguration(path: string, nowMs: number): Mistake[] {
  const section = ConfigurationFile.read(path).section('orchestrator');
  const read = section.read(configuration);
  if ('mistakes' in read) return read.mistakes;
  const checks = new Checks(section, nowMs);
  checkDatabase(checks, read.settings.database);
  checkSigner(checks, read.settings.signer);
  checkChains(checks, read.settings);
  checkWorkers(checks, read.settings);
  return checks.mistakes;
}

function checkDatabase(checks: Checks, { url, passwordFile }: DatabaseSettings): void {
  if (url.startsWith(SQLITE)) checks.folderOf(['database', 'url'], url.slice(SQLITE.length));
  if (passwordFile === undefined) {
    const password = url.startsWith(SQLITE) ? '' : (URL.parse(url)?.password ?? '');
    if (password !== '') checks.warn(['database', 'url'], 'it holds a password: better in a passwordFile');
    return;
  }
  checks.secret(['database', 'passwordFile'], passwordFile);
  if (url.startsWith(SQLITE))
    checks.error(['database', 'passwordFile'], 'an SQLite database has no password');
}

function checkSigner(checks: Checks, signer: SignerSettings): void {
  if ('socket' in signer) {
    checks.socket(['signer', 'socket'], signer.socket);
    return;
  }
  const { certificateFile, keyFile, caFile } = signer.tls;
  checks.certificates(
    ['signer', 'tls'],
    { certificateFile: 'certificateFile', keyFile: 'keyFile', authorityFile: 'caFile' },
    { certificateFile, keyFile, authorityFile: caFile },
  );
}

function checkChains(checks: Checks, { chains }: Configuration): void {
  for (const [id, { nodes }] of Object.entries(chains.bitcoin)) {
    for (const [index, { passwordFile, cookieFile }] of nodes.entries()) {
      const at = ['chains', 'bitcoin', id, 'nodes', index];
      if (passwordFile !== undefined) checks.secret([...at, 'passwordFile'], passwordFile);
      // The node makes it anew at each of its starts; what mode it gets is the node's configuration.
      if (cookieFile !== undefined) checks.file([...at, 'cookieFile'], cookieFile);
    }
  }
  for (const [id, { providers, reading }] of Object.entries(chains.ethereum)) {
    const at = ['chains', 'ethereum', id];
    for (const [index, { urlFile }] of providers.entries()) {
      if (urlFile !== undefined) checks.secret([...at, 'providers', index, 'urlFile'], urlFile);
    }
    if (reading.mode === 'fail-over') {
      checks.warn(
        [...at, 'providers'],
        'the first node that answers is believed; where there is money, let several agree',
      );
    }
  }
}

function checkWorkers(checks: Checks, { workers, signer }: Configuration): void {
  if (workers.leaseMs <= signer.timeoutMs) {
    checks.warn(
      ['workers', 'leaseMs'],
      `shorter than signer.timeoutMs (${signer.timeoutMs}): a step that waits for the signer is taken over by another`,
    );
  }
}
