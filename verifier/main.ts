// The verifier: an auditor's own program. It reads the files that are named, asks the core, prints the report, and ends with
// its exit code. Everything that judges is in src/core, and nothing of the orchestrator, the signer or the command line is in
// here. It writes nothing, connects to nobody and asks no clock.

import { readFileSync, statSync } from 'node:fs';
import process from 'node:process';
import { certificateSchemaText } from '../src/core/certificates/certificate.js';
import { checkDossier, EXIT_OF_VERDICT, genesisHashIn, logIn } from '../src/core/certificates/dossier.js';
import type { EvidenceFile } from '../src/core/certificates/evidence-file.js';
import { reportText, reportValue } from '../src/core/certificates/report.js';
import { portableVerifier } from '../src/core/statements/signature.js';
import { askedBy, USAGE } from './arguments.js';

const MAX_BYTES = 256 * 1024 * 1024;

class Unusable extends Error {}

function read(path: string): EvidenceFile {
  try {
    const { size } = statSync(path);
    if (size > MAX_BYTES) throw new Error(`it has ${size} bytes`);
    return { name: path, text: readFileSync(path, 'utf8') };
  } catch (error) {
    throw new Unusable(`cannot read ${path}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function run(args: readonly string[]): number {
  const asked = askedBy(args);
  switch (asked.kind) {
    case 'schema':
      process.stdout.write(certificateSchemaText());
      return 0;
    case 'usage':
      throw new Unusable(`${asked.why}\n${USAGE}`);
    case 'verify': {
      const genesisHash = genesisHashIn(asked.genesis) ?? genesisHashIn(read(asked.genesis).text);
      if (genesisHash === undefined) throw new Unusable(`${asked.genesis} is no genesis entry`);
      const log = logIn(read(asked.log).text);
      if (!Array.isArray(log)) throw new Unusable(`${asked.log} is no governance log: ${log.why}`);
      const evidence = { log, genesisHash, verifier: portableVerifier };
      const dossier = checkDossier(asked.files.map(read), evidence, asked.whole);
      process.stdout.write(
        asked.json
          ? `${JSON.stringify(reportValue(dossier, genesisHash), undefined, 2)}\n`
          : reportText(dossier, asked.whole),
      );
      return EXIT_OF_VERDICT[dossier.verdict];
    }
  }
}

try {
  process.exitCode = run(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof Unusable)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = EXIT_OF_VERDICT.malformed;
}
