// The real token process, plus two signals by which a test acts inside it behind the adapter's back: SIGUSR2 closes
// all sessions, SIGHUP logs out. Each leaves a line in the file named by SABOTAGE_LOG when it is done.

import { appendFileSync } from 'node:fs';
import { closeAllSessions, logOut } from './sabotage.js';

const { SABOTAGE_LOG: log = '', SABOTAGE_MODULE: modulePath = '', SABOTAGE_TOKEN: label = '' } = process.env;

process.on('SIGUSR2', () => {
  closeAllSessions(modulePath, label);
  appendFileSync(log, 'closeAllSessions\n');
});
process.on('SIGHUP', () => {
  logOut(modulePath, label);
  appendFileSync(log, 'logOut\n');
});

await import('../../hardware/pkcs11/token-process.js');
