// What a program answers when it is asked to check its configuration: one line of JSON for `portcullis config check`,
// lines for people otherwise, and an exit code.

import { z } from 'zod';
import type { Mistake } from './configuration-file.js';

export const configurationReport = z.strictObject({
  program: z.string(),
  file: z.string(),
  mistakes: z.array(
    z.strictObject({
      severity: z.enum(['error', 'warning']),
      at: z.string(),
      line: z.int().nullable(),
      problem: z.string(),
    }),
  ),
});
export type ConfigurationReport = z.infer<typeof configurationReport>;

/** As other programs say it of a wrong use: sysexits are not used here. */
const WRONG = 2;

export function isSound({ mistakes }: ConfigurationReport): boolean {
  return mistakes.every(({ severity }) => severity !== 'error');
}

/** `signer.yaml:12: error: listen.path: …` */
export function reportLines({ file, mistakes }: ConfigurationReport): string[] {
  return mistakes.map(
    ({ severity, at, line, problem }) =>
      `${line === null ? file : `${file}:${line}`}: ${severity}: ${at}: ${problem}`,
  );
}

/** Writes it where it belongs; the exit code. */
export function answerReport(program: string, file: string, mistakes: Mistake[], asJson: boolean): number {
  const report: ConfigurationReport = { program, file, mistakes };
  const lines = asJson ? [JSON.stringify(report)] : [...reportLines(report), ...verdict(report)];
  process.stdout.write(`${lines.join('\n')}\n`);
  return isSound(report) ? 0 : WRONG;
}

function verdict(report: ConfigurationReport): string[] {
  return isSound(report) ? [`${report.file}: ${report.program}: sound`] : [];
}
