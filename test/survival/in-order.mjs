// The order of the test files for Jest: by their names, and last what adds up what the others have done.

const LAST = 'every-boundary';

export default class InOrder {
  sort(tests) {
    const rank = ({ path }) => `${path.includes(LAST) ? 1 : 0}${path}`;
    return [...tests].sort((a, b) => (rank(a) < rank(b) ? -1 : 1));
  }

  cacheResults() {
    // The order does not follow from earlier runs: nothing is kept of them.
  }
}
