// The project's own tests, with one mutation in what they load. For run.ts.

import path from 'node:path';
import standard from '../../jest.config.mjs';

const here = import.meta.dirname;
const [[pattern, [, options]]] = Object.entries(standard.transform);

export default {
  ...standard,
  rootDir: path.join(here, '../..'),
  transform: { [pattern]: [path.join(here, 'transformer.mjs'), options] },
  reporters: [],
};
