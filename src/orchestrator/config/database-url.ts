// The database URL with its password put in from a file. The result is a secret: it goes to the driver and nowhere else.

import { readFileSync } from 'node:fs';
import { Fault } from '../../core/fault.js';
import type { ConfigurationFaultCode } from './load.js';
import type { DatabaseSettings } from './settings.js';

const MAX_PASSWORD = 1_024;

/** Throws `configuration-unreadable`, `configuration-invalid`. */
export function databaseUrl(settings: DatabaseSettings): string {
  if (settings.passwordFile === undefined) return settings.url;
  const invalid = (message: string) =>
    new Fault<ConfigurationFaultCode>('configuration-invalid', `database.passwordFile: ${message}`);
  if (settings.url.startsWith('sqlite:')) throw invalid('an SQLite database has no password');
  const url = URL.parse(settings.url);
  if (url === null || url.username === '') throw invalid('database.url names no user');
  if (url.password !== '') throw invalid('database.url holds a password as well');
  const [password = ''] = readSecret(settings.passwordFile).split(/\r?\n/, 1);
  if (password === '' || password.length > MAX_PASSWORD) throw invalid('its first line is empty or too long');
  url.password = encodeURIComponent(password);
  return url.href;
}

function readSecret(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw new Fault<ConfigurationFaultCode>(
      'configuration-unreadable',
      `database.passwordFile: cannot read ${path}`,
      { facts: { path }, cause },
    );
  }
}
