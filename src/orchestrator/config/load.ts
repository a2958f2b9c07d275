// From a file to a Configuration, or to a message that says where the mistake is and what would be right.

import { Fault } from '../../core/fault.js';
import { type ConfigurationFaultCode, ConfigurationFile } from '../../platform/configuration-file.js';
import { type Configuration, configuration } from './settings.js';

export type { ConfigurationFaultCode };

/** `--config PATH` or PORTCULLIS_CONFIG. Throws `configuration-missing`. */
export function configurationPath(
  args: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): string {
  const flag = args.indexOf('--config');
  const joined = args.find((arg) => arg.startsWith('--config='));
  const path =
    flag >= 0 ? args[flag + 1] : (joined?.slice('--config='.length) ?? environment.PORTCULLIS_CONFIG);
  if (path === undefined || path === '' || path.startsWith('--')) {
    throw new Fault<ConfigurationFaultCode>(
      'configuration-missing',
      'no configuration: give its file with --config PATH, or in PORTCULLIS_CONFIG',
    );
  }
  return path;
}

/** Throws a ConfigurationFaultCode; the message is for the person who wrote the file. */
export function loadConfiguration(path: string): Configuration {
  return ConfigurationFile.read(path).section('orchestrator').parsed(configuration);
}

/** The same of a text. */
export function parseConfiguration(text: string, path?: string): Configuration {
  return ConfigurationFile.parse(text, path).section('orchestrator').parsed(configuration);
}
