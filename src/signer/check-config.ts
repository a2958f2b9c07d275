// The signer's section of a configuration, checked by the program that would run on it: its schema, and what can be seen
// of the files that it names. No token is opened and no PIN is read.

import { Checks } from '../platform/configuration-checks.js';
import type { Mistake } from '../platform/configuration-file.js';
import { ConfigurationFile } from '../platform/configuration-file.js';
import { type SignerConfig, signerConfig } from './config.js';

/** Throws a ConfigurationFaultCode when there is nothing to check. */
export function checkConfig(path: string, nowMs: number): Mistake[] {
  const section = ConfigurationFile.read(path).section('signer');
  const read = section.read(signerConfig);
  if ('mistakes' in read) return read.mistakes;
  const checks = new Checks(section, nowMs);
  checkListen(checks, read.settings.listen);
  checks.folderOf(['storePath'], read.settings.storePath);
  checkTokens(checks, read.settings);
  return checks.mistakes;
}

function checkListen(checks: Checks, listen: SignerConfig['listen']): void {
  if (listen.kind === 'unix') {
    checks.socket(['listen', 'path'], listen.path);
    return;
  }
  const { certificateFile, keyFile, clientAuthorityFile } = listen;
  checks.certificates(
    ['listen'],
    { certificateFile: 'certificateFile', keyFile: 'keyFile', authorityFile: 'clientAuthorityFile' },
    { certificateFile, keyFile, authorityFile: clientAuthorityFile },
  );
}

function checkTokens(checks: Checks, { tokens, anchorToken }: SignerConfig): void {
  if (!Object.hasOwn(tokens, anchorToken)) {
    checks.error(
      ['anchorToken'],
      `tokens holds no ${anchorToken}; it holds ${Object.keys(tokens).join(', ') || 'none'}`,
    );
  }
  for (const [name, token] of Object.entries(tokens)) {
    checks.module(['tokens', name, 'modulePath'], token.modulePath);
    // A credential is only there while the service runs.
    if (token.pin.kind === 'file')
      checks.secret(['tokens', name, 'pin', 'path'], token.pin.path, { alone: true });
  }
}
