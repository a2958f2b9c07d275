// The watcher program.
//   main.js key      --out FILE                 makes its key; the public one is what governance registers
//   main.js init     --config FILE              once: makes the file with the numbers of its facts
//   main.js serve    --config FILE              states facts until it is told to stop
//   main.js check    --config FILE [--json]     says what is wrong with the configuration; exit code 2 when something is
//   main.js schema                              prints the JSON Schema of its section

import { parseArgs } from 'node:util';
import { z } from 'zod';
import { Fault } from '../core/fault.js';
import { ConfigurationFile } from '../platform/configuration-file.js';
import { answerReport } from '../platform/configuration-report.js';
import { readEd25519 } from '../platform/ed25519-key.js';
import { logOf, run, stopWhenTold } from '../platform/program.js';
import { systemClock } from '../platform/system-clock.js';
import { checkConfig } from './check-config.js';
import { watcherConfig } from './config.js';
import { generateKey } from './key.js';
import { Sequence } from './sequence.js';
import { Door } from './server.js';
import { Watcher } from './watcher.js';

const USAGE = `Usage: watcher key --out FILE
       watcher init  --config FILE
       watcher serve --config FILE
       watcher check --config FILE [--json]
       watcher schema`;

type MainFaultCode = 'usage';

const log = logOf('watcher');

const readConfig = (path: string) => ConfigurationFile.read(path).section('watcher').parsed(watcherConfig);

async function serve(configPath: string): Promise<void> {
  const config = readConfig(configPath);
  const { deploymentId, listen } = config;
  const { keyId, file } = config.key;
  const { publicKey, sign } = readEd25519(file);
  const watcher = new Watcher(
    config,
    { deploymentId, keyId, sign },
    Sequence.open(config.sequenceFile),
    systemClock,
  );
  const door = await new Door(watcher, { deploymentId, keyId, publicKey }, config, systemClock, log).open();
  log('info', 'ready', { deploymentId, keyId, publicKey, listen: `${listen.host}:${door.port}` });
  stopWhenTold(log, () => door.close());
}

async function main(): Promise<void> {
  const { positionals, values } = parseArgs({
    allowPositionals: true,
    options: {
      config: { type: 'string' },
      out: { type: 'string' },
      json: { type: 'boolean' },
      help: { type: 'boolean' },
    },
  });
  if (values.help) {
    process.stdout.write(`${USAGE}\n`);
    return;
  }
  const [verb] = positionals;
  if (verb === 'serve' && values.config) return serve(values.config);
  if (verb === 'key' && values.out) {
    log('info', 'key-made', { file: values.out, publicKey: generateKey(values.out) });
    return;
  }
  if (verb === 'init' && values.config) {
    const { sequenceFile } = readConfig(values.config);
    Sequence.create(sequenceFile, systemClock.nowMs());
    log('info', 'initialised', { file: sequenceFile });
    return;
  }
  if (verb === 'check' && values.config) {
    const mistakes = checkConfig(values.config, systemClock.nowMs());
    process.exitCode = answerReport('watcher', values.config, mistakes, values.json === true);
    return;
  }
  if (verb === 'schema') {
    process.stdout.write(`${JSON.stringify(z.toJSONSchema(watcherConfig, { io: 'input' }))}\n`);
    return;
  }
  throw new Fault<MainFaultCode>('usage', USAGE);
}

run(log, main);
