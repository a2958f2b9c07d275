// The signer program.
//   main.js init  --config FILE --genesis FILE   once, at the ceremony: makes the store and pins the genesis on the token
//   main.js serve --config FILE                  checks everything and serves until it is told to stop
//   main.js record --config FILE                 what the token remembers of the store, for the statement of a restore
//   main.js restore --config FILE --restore FILE --log FILE
//                                                makes a store anew where a lost one ended, because a quorum says so
//   main.js check --config FILE [--json]         says what is wrong with the configuration; exit code 2 when something is
//   main.js schema                               prints the JSON Schema of its section

import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { type Facts, Fault } from '../core/fault.js';
import { governanceEntry } from '../core/governance/entry.js';
import { restore } from '../core/recovery/restore.js';
import { ArithmeticThread } from '../platform/arithmetic-thread.js';
import { certificateFacts } from '../platform/certificates.js';
import { ConfigurationFile } from '../platform/configuration-file.js';
import { answerReport } from '../platform/configuration-report.js';
import { logOf, run, stopWhenTold } from '../platform/program.js';
import { checkConfig } from './check-config.js';
import { signerConfig } from './config.js';
import { listen, type RunningServer } from './server.js';
import { initialise, readRecord, restoreStore, startSigner } from './start.js';
import { SIGNER_VERSION } from './version.js';

const USAGE = `Usage: signer serve --config FILE
       signer init  --config FILE --genesis FILE
       signer record --config FILE
       signer restore --config FILE --restore FILE --log FILE
       signer check --config FILE [--json]
       signer schema`;

type MainFaultCode = 'usage' | 'genesis-invalid' | 'restore-invalid' | RestoreRefusal;
type RestoreRefusal = Extract<Awaited<ReturnType<typeof restoreStore>>, { kind: 'refused' }>['code'];

const log = logOf('signer');

const readConfig = (path: string) => ConfigurationFile.read(path).section('signer').parsed(signerConfig);

function readGenesis(path: string) {
  const parsed = governanceEntry.safeParse(JSON.parse(readFileSync(path, 'utf8')));
  if (parsed.success) return parsed.data;
  throw new Fault<MainFaultCode>('genesis-invalid', `${path} does not hold a governance entry`);
}

/** Shape alone; what it says is verified by `restoreStore`. */
function readRestore(path: string) {
  const parsed = restore.safeParse(JSON.parse(readFileSync(path, 'utf8')));
  if (parsed.success) return parsed.data;
  throw new Fault<MainFaultCode>('restore-invalid', `${path} does not hold a restore`);
}

function readLog(path: string) {
  const parsed = z.array(governanceEntry).safeParse(JSON.parse(readFileSync(path, 'utf8')));
  if (parsed.success) return parsed.data;
  throw new Fault<MainFaultCode>('genesis-invalid', `${path} does not hold a governance log`);
}

/** SIGHUP: new certificates are taken, or refused with the old ones kept; orders under way are not disturbed. */
function takeCertificates(server: RunningServer): void {
  try {
    const certificates = server.reload();
    if (certificates === undefined)
      log('info', 'nothing-to-reload', { why: 'a unix socket needs no certificates' });
    else log('info', 'certificates-taken', certificateFacts(certificates));
  } catch (error) {
    const fault = error instanceof Fault ? error : undefined;
    log('error', 'certificates-refused', {
      code: fault?.code ?? 'internal',
      message: String(error instanceof Error ? error.message : error).slice(0, 300),
      ...fault?.facts,
    });
  }
}

async function serve(configPath: string): Promise<void> {
  const config = readConfig(configPath);
  const arithmetic = ArithmeticThread.start((error) =>
    log('error', 'arithmetic-thread-lost', { message: String(error).slice(0, 300) }),
  );
  const running = await startSigner(config, {
    arithmetic,
    onHeartbeatLost: (error) => log('error', 'heartbeat-lost', { message: String(error).slice(0, 300) }),
    onTokenProcessLost: (token, facts) => log('error', 'token-process-lost', { token, ...(facts as Facts) }),
  });
  const server = await listen(config.listen, running.signer, log);
  log('info', 'ready', {
    version: SIGNER_VERSION,
    deploymentId: running.signer.deploymentId(),
    listen: config.listen.kind === 'unix' ? config.listen.path : `${config.listen.host}:${server.port}`,
  });
  stopWhenTold(log, () =>
    server
      .close()
      .then(() => running.close())
      .then(() => arithmetic.close()),
  );
  process.on('SIGHUP', () => takeCertificates(server));
}

async function main(): Promise<void> {
  const { positionals, values } = parseArgs({
    allowPositionals: true,
    options: {
      config: { type: 'string' },
      genesis: { type: 'string' },
      restore: { type: 'string' },
      log: { type: 'string' },
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
  if (verb === 'check' && values.config) {
    const mistakes = checkConfig(values.config, Date.now());
    process.exitCode = answerReport('signer', values.config, mistakes, values.json === true);
    return;
  }
  if (verb === 'schema') {
    process.stdout.write(`${JSON.stringify(z.toJSONSchema(signerConfig, { io: 'input' }))}\n`);
    return;
  }
  if (verb === 'init' && values.config && values.genesis) {
    const genesis = readGenesis(values.genesis);
    await initialise(readConfig(values.config), genesis);
    log('info', 'initialised', { sequence: genesis.body.sequence });
    return;
  }
  if (verb === 'record' && values.config) {
    const { genesisHash, sequence, hash, governance } = await readRecord(readConfig(values.config));
    log('info', 'record', {
      deploymentId: genesisHash,
      sequence,
      hash,
      ...(governance && { governanceSequence: governance.sequence, governanceHead: governance.hash }),
    });
    return;
  }
  if (verb === 'restore' && values.config && values.restore && values.log) {
    const restored = await restoreStore(
      readConfig(values.config),
      readRestore(values.restore),
      readLog(values.log),
    );
    if (restored.kind === 'refused') {
      throw new Fault<MainFaultCode>(restored.code, 'the restore is refused', { facts: restored.facts });
    }
    log('info', 'restored', { ...restored.value });
    return;
  }
  throw new Fault<MainFaultCode>('usage', USAGE);
}

/**
 * What may be otherwise at the next try. For everything else a person has to look first: a store that does not fit, a
 * configuration that is wrong, and above all a refused PIN, since a token locks itself after a few.
 */
const PASSING: readonly string[] = ['token-gone', 'session-lost', 'transient', 'deadline', 'closed'];

run(log, main, PASSING);
