// The last word of a test run: which tests were skipped, and one line with the counts that people and CI read.
// A suite that could not run counts as one failed test: it hid an unknown number of them.

import fs from 'node:fs';
import path from 'node:path';

const CLOSING_LINE = '.portcullis/test-closing-line';

export default class ClosingLineReporter {
  #root;
  #error;

  constructor({ rootDir }) {
    this.#root = rootDir;
  }

  onRunComplete(_contexts, results) {
    const skipped = results.numPendingTests + results.numTodoTests;
    const failed = results.numFailedTests + results.numRuntimeErrorTestSuites;
    const line = `${results.numPassedTests} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`;
    if (results.numTotalTests === 0 || results.numPassedTests + failed === 0) {
      this.#error = new Error('no test ran');
    }
    const file = path.join(this.#root, CLOSING_LINE);
    fs.mkdirSync(path.dirname(file), { recursive: true });
    fs.writeFileSync(file, `${line}\n`);
    const titles = skippedTitles(results);
    // Jest prints its own summary from another reporter; when the process ends, ours is last.
    process.once('exit', () => {
      if (titles.length > 0)
        process.stdout.write(`\nSkipped:\n${titles.map((title) => `  ○ ${title}\n`).join('')}`);
      if (this.#error) process.stdout.write(`\n${this.#error.message}\n`);
      process.stdout.write(`\n${line}\n`);
    });
  }

  /** Jest asks this at the end, and fails the run when it answers with an error. */
  getLastError() {
    return this.#error;
  }
}

function skippedTitles(results) {
  return results.testResults.flatMap(({ testResults }) =>
    testResults
      .filter(({ status }) => status === 'pending' || status === 'todo')
      .map(({ fullName }) => fullName),
  );
}
