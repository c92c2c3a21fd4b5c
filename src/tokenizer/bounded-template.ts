import { Interpreter, Template } from '@huggingface/jinja';

/** Characters of a template: the largest of a released model has some 30,000. Parsing takes time that nothing else bounds. */
const MOST_TEMPLATE = 400_000;
/** Expressions and statements that a template may evaluate. Released ones take some thousands for a message. */
const MOST_STEPS = 400_000;
/** Characters and list members that a template may make, all values together, beside the messages' own ... */
const MOST_MADE = 8_000_000;
/** ... and how often it may copy what it is given. */
const MOST_COPIES = 64;
/** Milliseconds. What is counted above ends most templates sooner; this ends what is slow in a way that nobody thought of. */
const MOST_TIME = 2000;

/** Why a template was ended. */
export class TemplateLimit extends Error {}

/**
 * Runs a template that a stranger wrote: a program, which may loop for ever, recurse, or double a text until no memory is left. It is ended by what it has done,
 * the same on every machine, and by the clock as a last resort; no single step of it can take long, because no value that it makes can be large.
 * @param given characters of what it is given
 * @throws TemplateLimit, and what the template itself throws
 */
export function renderBounded(
  source: string,
  items: Readonly<Record<string, unknown>>,
  prelude: string,
  given: number,
): string {
  if (source.length > MOST_TEMPLATE) throw new TemplateLimit(`it has more than ${MOST_TEMPLATE} characters`);
  const template = new Template(source);
  template.parsed.body.unshift(...new Template(prelude).parsed.body);
  return bounded(MOST_MADE + MOST_COPIES * given, () => template.render(items));
}

/**
 * The library makes its interpreter itself, so every evaluation is counted at the class, for as long as one synchronous call lasts.
 * @param mostMade characters and list members
 */
function bounded<T>(mostMade: number, render: () => T): T {
  const { prototype } = Interpreter;
  const evaluate = Reflect.get(prototype, 'evaluate');
  const ends = performance.now() + MOST_TIME;
  const counted = new WeakSet<object>();
  let steps = 0;
  let made = 0;
  prototype.evaluate = function (statement, environment) {
    if (++steps > MOST_STEPS) throw new TemplateLimit(`it takes more than ${MOST_STEPS} steps`);
    if (performance.now() > ends) throw new TemplateLimit(`it takes more than ${MOST_TIME / 1000} s`);
    const result = evaluate.call(this, statement, environment);
    if (!counted.has(result)) {
      counted.add(result);
      made += sizeOf(result.value);
      if (made > mostMade) throw new TemplateLimit(`it makes more than ${mostMade} characters`);
    }
    return result;
  };
  try {
    return render();
  } finally {
    prototype.evaluate = evaluate;
  }
}

function sizeOf(value: unknown): number {
  if (typeof value === 'string' || Array.isArray(value)) return value.length;
  return value instanceof Map ? value.size : 1;
}
