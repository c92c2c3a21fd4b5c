import { fail, toErrorData } from '../../src/base/errors';
import {
  fileNameText,
  markdownText,
  markupText,
  plainText,
  say,
  shown,
  shownDocument,
  shownLines,
  shownStream,
} from '../../src/base/foreign-text';
import { seededRandom, type Random } from '../../src/base/random';
import { errorText } from '../../src/cli/terminal/terminal';
import { mergeShards } from '../../src/regression/merge';
import { suiteReportText } from '../../src/regression/merge-text';
import { shardFromJson } from '../../src/regression/shard-result';
import { suiteFromJson, suiteRuns } from '../../src/regression/suite';
import { renderChat } from '../../src/tokenizer/chat';
import { mutatedText } from './mutate';
import { oneIn, pick, type FuzzTarget } from './target';

/** What a terminal obeys, but for line breaks. */
const OBEYED =
  /[^\P{Cc}\n]|[\p{Cs}\p{Noncharacter_Code_Point}\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\u{e0000}-\u{e007f}]/u;
const COMMAND = /^\s*::|##[\w.]*\[/m;

/** @throws Error where a text would be obeyed */
function hold(text: string): void {
  const found = OBEYED.exec(text) ?? COMMAND.exec(text);
  if (found !== null)
    throw new Error(`it would be obeyed: ${JSON.stringify(text.slice(found.index, found.index + 40))}`);
}

const PIECES: readonly string[] = [
  ...[
    '\x1b[2J',
    '\x1b]0;t\x07',
    '\r',
    '\n',
    '\t',
    '\0',
    '\u009b',
    '\u0085',
    '\u2028',
    '\u202e',
    '\u2066',
    '\ufeff',
    '\uffff',
  ],
  ...[
    '::error::',
    '::',
    ':',
    '##[error]',
    '##',
    '[',
    '##vso[',
    '##teamcity[',
    '\u{e0041}',
    '\ud800',
    '\udc00',
    '😀',
    ' ',
    'a',
    '|',
    '\\',
  ],
  ...[
    '<img src=x>',
    '![x](http://h)',
    '@octocat',
    '`',
    '*',
    '_',
    '&#60;',
    'www.h.org',
    '"',
    "'",
    ']]>',
    '-->',
    '模型',
    '\u200d',
  ],
];

function hostileText(random: Random): string {
  return Array.from({ length: 1 + random.below(24) }, () => pick(random, PIECES)).join('');
}

/** @throws Error where a piece of Markdown or markup of the text is still one */
function holdMarkdown(text: string): void {
  hold(text);
  // Entities and the comment that parts a mention are all the markup that the gate itself makes.
  const rest = text.replaceAll('<!-- -->', '').replace(/&#\d+;/g, '');
  if (/[<>`|[\]*~\\]|:\/\/|@(?=[a-z])(?<!-->@)/i.test(rest.replace(/@/g, ''))) throw new Error(`it is markup: ${text}`);
}

export const TERMINAL_TEXT: FuzzTarget = {
  name: 'terminal text',
  allows: { buffers: [0, 0], heap: [4096, 2 ** 20] },
  codes: [],
  make: (random) => {
    const start = seededRandom(random.uint32());
    const text = hostileText(start);
    const cut = start.below(text.length + 1);
    return {
      how: 'pieces',
      size: text.length,
      input: text,
      read: () => {
        const [a, b] = [text.slice(0, cut), text.slice(cut)];
        hold(plainText(shown(text)));
        hold(plainText(say`${a}${b}\n${a} ${b}`));
        hold(plainText(shownLines(text)));
        hold(plainText(shownDocument(text)));
        const next = shownStream();
        // A tab is kept where a model speaks.
        hold((plainText(next(a)) + plainText(next(b))).replaceAll('\t', ' '));
        hold(plainText(errorText(toErrorData(fail('usage', text, a, { [b]: text })))));
        holdMarkdown(markdownText(text));
        if (/[<>"]/.test(markupText(text))) throw new Error('it is markup');
        if (!/^[\w][\w.-]{0,79}$/.test(fileNameText(text))) throw new Error(`no name of a file: ${fileNameText(text)}`);
        const json = JSON.stringify({ text }, undefined, 1);
        if (JSON.stringify(JSON.parse(plainText(shownDocument(json))), undefined, 1) !== json) {
          throw new Error('the document changed its value');
        }
      },
    };
  },
};

const TEMPLATES: readonly string[] = [
  "{% for m in messages %}{{ '<|im_start|>' + m.role + '\\n' + m.content + '<|im_end|>\\n' }}{% endfor %}{% if add_generation_prompt %}{{ 'a' }}{% endif %}",
  "{% set ns = namespace(s='aaaaaaaa', n=0) %}{% for i in range(20) %}{% set ns.s = ns.s ~ ns.s %}{% endfor %}{{ ns.s|length }}",
  '{% macro f(n) %}{% if n > 0 %}{{ f(n-1) }}{{ f(n-1) }}{% endif %}{% endmacro %}{{ f(12) }}',
  "{{ raise_exception('\x1b[31m\n::error::x') }}{{ messages[0] | tojson(indent=4) }}{{ ('x\\n')|indent(200000, true) }}",
  '{% for a in [1,2,3] %}{% for b in [1,2,3] %}{% for c in range(99) %}{{ c|string ~ loop.index }}{% endfor %}{% endfor %}{% endfor %}',
];

export const TEMPLATES_TARGET: FuzzTarget = {
  name: 'chat templates',
  // What a template may do is bounded by itself, at 2 s by the clock (bounded-template.ts), and its thread is ended at 3 (template-thread/).
  longestMs: 2500,
  allows: { buffers: [0, 4096], heap: [4096, 256 * 2 ** 20] },
  codes: ['chat-template'],
  make: (random) => {
    const start = seededRandom(random.uint32());
    const template = mutatedText(start, pick(start, TEMPLATES));
    return {
      how: 'mutated',
      size: template.length,
      input: template,
      read: () => {
        try {
          renderChat(new Map([['tokenizer.chat_template', template]]), [{ role: 'user', content: 'x' }], {
            addGenerationPrompt: true,
          });
        } catch (error) {
          hold(plainText(errorText(toErrorData(error))));
          throw error;
        }
      },
    };
  },
};

const SUITE = {
  schema: 'moescope-suite/1',
  models: [{ id: 'a', file: 'https://u:p@h/a.gguf?sig=x' }],
  prompts: [
    { id: 'p', text: 'x', chat: true },
    { id: 'q', tokens: [1, 2] },
  ],
  modes: ['free'],
  seconds: { 'a/p/free': 1 },
};
const FAILURE = { code: 'internal', message: '\x1b[2J\n::error::x', detail: { a: 1 }, remedy: '<img src=x>' };
const OUTCOME = {
  id: 'a/q/free',
  model: { name: '@octocat', headerSha256: 'ab' },
  runtime: 'node',
  adapter: { vendor: 'v', architecture: '|', device: '`', description: '\x1b[31m', isSoftware: true },
  verdict: { status: 'match', sentence: 'MATCH: ![x](http://h)' },
  rows: [{ mode: 'free', layer: 0, stage: 'moe_router', verdict: 'match', bits: '1', relL2: 0.1, bad: 0, flips: [] }],
};
const SHARD = JSON.stringify({
  schema: 'moescope-shard/1',
  tool: { name: 'moescope', version: '1', commit: 'c' },
  suite: SUITE,
  shard: { index: 1, count: 1 },
  runs: [
    { id: 'a/p/free', seconds: 1, failures: [FAILURE] },
    { id: 'a/q/free', seconds: 1, failures: [], outcome: OUTCOME },
  ],
});

export const SUMMARIES: FuzzTarget = {
  name: 'shards and summaries',
  allows: { buffers: [0, 65_536], heap: [4096, 4 * 2 ** 20] },
  codes: ['trace-format'],
  make: (random) => {
    const start = seededRandom(random.uint32());
    // A hostile word in place of one of the file's, or the file with a few things wrong.
    const word = JSON.stringify(hostileText(start)).slice(1, -1);
    const text = oneIn(start, 2)
      ? SHARD.replace(pick(start, ['@octocat', '<img src=x>', 'MATCH: ', '"v"', 'moe_router']), (found) =>
          found === '"v"' ? `"${word}"` : word,
        )
      : mutatedText(start, SHARD);
    return {
      how: 'shard',
      size: text.length,
      input: text,
      read: () => {
        try {
          const report = mergeShards([{ file: 'x.json', result: shardFromJson(text, 'x.json') }]);
          hold(suiteReportText(report, 'plain'));
          hold(suiteReportText(report, 'markdown'));
          hold(report.sentence);
          if (/<img|\]\(http|@octocat/.test(suiteReportText(report, 'markdown')))
            throw new Error('the summary has markup');
        } catch (error) {
          hold(plainText(errorText(toErrorData(error))));
          throw error;
        }
      },
    };
  },
};

export const SUITES: FuzzTarget = {
  name: 'suite files',
  allows: { buffers: [0, 65_536], heap: [4096, 2 ** 20] },
  codes: ['suite-format', 'fault-spec'],
  make: (random) => {
    const start = seededRandom(random.uint32());
    const text = mutatedText(start, JSON.stringify({ ...SUITE, inject: ['qtype-blind@layer=1'] }));
    return {
      how: 'mutated',
      size: text.length,
      input: text,
      read: () => {
        try {
          for (const { id } of suiteRuns(suiteFromJson(text))) {
            if (!/^[\w.-]+\/[\w.-]+\/[a-z]+$/.test(id)) throw new Error(`an id that is none: ${id}`);
          }
        } catch (error) {
          hold(plainText(errorText(toErrorData(error))));
          throw error;
        }
      },
    };
  },
};
