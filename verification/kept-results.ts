import { appendFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';

/** Results by id that are kept between runs, so that a long measurement goes on where it was ended. Delete the file to measure afresh. */
export class KeptResults<T extends { readonly id: string }> {
  readonly #file: string;
  readonly #byId: Map<string, T>;

  constructor(file: string) {
    this.#file = file;
    mkdirSync(dirname(file), { recursive: true });
    const lines = existsSync(file) ? readFileSync(file, 'utf8').split('\n').filter(Boolean) : [];
    this.#byId = new Map(lines.map((line) => JSON.parse(line) as T).map((result) => [result.id, result]));
  }

  get(id: string): T | undefined {
    return this.#byId.get(id);
  }

  add(result: T): void {
    this.#byId.set(result.id, result);
    appendFileSync(this.#file, `${JSON.stringify(result)}\n`);
  }

  get all(): readonly T[] {
    return [...this.#byId.values()];
  }
}
