// The watcher's section of a configuration, checked by the program that would run on it: its schema, and what can be seen of
// the files that it names. No source and no node is asked.

import { Checks } from '../platform/configuration-checks.js';
import { ConfigurationFile, type Mistake } from '../platform/configuration-file.js';
import { type Place, type WatcherConfig, watcherConfig } from './config.js';

/** Throws a ConfigurationFaultCode when there is nothing to check. */
export function checkConfig(path: string, nowMs: number): Mistake[] {
  const section = ConfigurationFile.read(path).section('watcher');
  const read = section.read(watcherConfig);
  if ('mistakes' in read) return read.mistakes;
  const { settings } = read;
  const checks = new Checks(section, nowMs);
  checks.secret(['key', 'file'], settings.key.file, { alone: true });
  checks.folderOf(['sequenceFile'], settings.sequenceFile);
  checkSources(checks, settings);
  for (const [id, { loginFile }] of Object.entries(settings.chains.bitcoin)) {
    if (loginFile !== undefined) checks.file(['chains', 'bitcoin', id, 'loginFile'], loginFile);
  }
  return checks.mistakes;
}

function checkPlace(checks: Checks, at: readonly (string | number)[], place: Place): void {
  if ('file' in place) checks.file([...at, 'file'], place.file);
  else if (place.authorizationFile !== undefined)
    checks.secret([...at, 'authorizationFile'], place.authorizationFile);
}

function checkSources(checks: Checks, { prices, screenings, numbers }: WatcherConfig): void {
  for (const [index, { sources, leastSources }] of prices.entries()) {
    if (sources.length < leastSources)
      checks.error(['prices', index, 'leastSources'], `there are only ${sources.length} sources`);
    if (leastSources === 1)
      checks.warn(['prices', index, 'leastSources'], 'one source alone makes the price; let several agree');
    for (const [at, { place }] of sources.entries())
      checkPlace(checks, ['prices', index, 'sources', at, 'place'], place);
  }
  for (const [index, screening] of screenings.entries()) {
    if (screening.kind === 'list') checks.file(['screenings', index, 'file'], screening.file);
    else if (screening.authorizationFile !== undefined)
      checks.secret(['screenings', index, 'authorizationFile'], screening.authorizationFile);
  }
  for (const [index, { place }] of numbers.entries()) checkPlace(checks, ['numbers', index, 'place'], place);
}
