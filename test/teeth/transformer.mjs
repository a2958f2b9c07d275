// Jest's transformer with one mutation applied before it. The key of Jest's cache is made from the mutated text, so no run
// is ever given what another one has transformed.

import path from 'node:path';
import swcJest from '@swc/jest';
import { mutated } from './mutation.ts';

export default {
  createTransformer(options) {
    const swc = swcJest.createTransformer(options);
    const textOf = (source, file, { config }) => mutated(path.relative(config.rootDir, file), source);
    return {
      canInstrument: false,
      getCacheKey: (source, file, of) => swc.getCacheKey(textOf(source, file, of), file, of),
      process: (source, file, of) => swc.process(textOf(source, file, of), file, of),
      processAsync: (source, file, of) => swc.processAsync(textOf(source, file, of), file, of),
    };
  },
};
