#!/usr/bin/env node
// The `portcullis` command: for officers, operators, backends' operators and auditors. It holds no key: officers' keys are
// in their tokens, a backend's key is in the backend's file.

import { portcullis } from './program.js';
import { Terminal } from './terminal.js';

const terminal = new Terminal(
  { input: process.stdin, output: process.stdout, errors: process.stderr },
  process.env,
);
process.exitCode = await portcullis(terminal, process.env).run(process.argv.slice(2));
