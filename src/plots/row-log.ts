import type { RoutingRow, Row } from '../divergence/report';

/** A list that only ever grows, at its end: what was read stays as it is, and a reader goes on `from` where it stopped. */
export class Log<T> {
  readonly #items: T[];

  /** @param items what is there already */
  constructor(items: readonly T[] = []) {
    this.#items = [...items];
  }

  get length(): number {
    return this.#items.length;
  }

  from(start: number): readonly T[] {
    return this.#items.slice(start);
  }

  append(items: readonly T[]): void {
    for (const item of items) this.#items.push(item);
  }
}

/** The rows of a run as they come. */
export type RowLog = Log<Row>;
/** Its routing as it comes. */
export type RoutingLog = Log<RoutingRow>;
