// The orchestrator program: what it is told on the command line. It holds no key.
//   main.js        --config FILE            starts, and stops when it is told to (run.ts)
//   main.js check  --config FILE [--json]   says what is wrong with the configuration; exit code 2 when something is
//   main.js schema                          prints the JSON Schema of its section
//   main.js fsck   --config FILE            checks the audit log in its database and says what it found, as JSON
//
// The program itself is only loaded when it is to run: a check should be quick.

import { z } from 'zod';
import { Fault } from '../core/fault.js';
import { answerReport } from '../platform/configuration-report.js';
import { systemClock } from '../platform/system-clock.js';
import { checkConfiguration } from './config/check.js';
import { configurationPath } from './config/load.js';
import { configuration } from './config/settings.js';
import { Log } from './logging/log.js';

async function main(args: readonly string[]): Promise<void> {
  const [verb] = args;
  if (verb === 'check') {
    const path = configurationPath(args, process.env);
    const mistakes = checkConfiguration(path, systemClock.nowMs());
    process.exitCode = answerReport('orchestrator', path, mistakes, args.includes('--json'));
    return;
  }
  if (verb === 'schema') {
    const schema = z.toJSONSchema(configuration, { io: 'input', unrepresentable: 'any' });
    process.stdout.write(`${JSON.stringify(schema)}\n`);
    return;
  }
  const path = configurationPath(args, process.env);
  if (verb === 'fsck') {
    const { fsck } = await import('./audit/fsck.program.js');
    process.stdout.write(`${JSON.stringify(await fsck(path))}\n`);
    return;
  }
  const { run } = await import('./run.js');
  await run(path);
}

main(process.argv.slice(2)).catch((error: unknown) => {
  // Before there is a log, and for whoever started it by hand: one line, with what would be right.
  const message =
    error instanceof Fault ? `${error.code}: ${error.message}` : 'the orchestrator did not start';
  process.stderr.write(`portcullis orchestrator: ${message}\n`);
  if (!(error instanceof Fault)) Log.to({ level: 'error' }).failure('start failed', {}, error);
  process.exit(1);
});
