// A line at a door: whatever takes how long, those who stand in it come through in the order in which they came.

export class Line {
  private last: Promise<unknown> = Promise.resolve();

  /** What `work` comes to, once all that was asked for before it has come or failed. */
  after<T>(work: Promise<T>): Promise<T> {
    const turn = Promise.allSettled([this.last, work]).then(() => work);
    this.last = turn;
    return turn;
  }
}
