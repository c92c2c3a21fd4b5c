import { TracerError } from '../../src/base/errors';
import { seededRandom } from '../../src/base/random';
import { parsePlan } from '../../src/model/plan';
import { parseFault } from '../../src/model/parse-fault';
import { readPermalink, writePermalink } from '../../src/share/permalink';
import { optionsFromLink } from '../../src/store/link-options';
import { sourcesOfUrl } from '../../src/store/page-url';
import { generateReport } from '../../tests/support/reports';
import { mutatedText } from './mutate';
import { oneIn, pick, type FuzzCase, type FuzzTarget } from './target';

const LINKS: readonly string[] = [
  '#v=2&s=moe_expert_out&l=6&t=2&x=ratio&h=isolated&n=ratio&o-mode=isolated&o-layers=0..8&prompt=What+is+2%2B2%3F',
  '#v=2&o-inject=qtype-blind%40layer%3D2%2Ctensor%3Dffn_down_exps%3Bbit-flip%40layer%3D1&o-stages=moe_router,all&o-positions=last',
  '#v=1&at=6.moe_expert_out.2&metric=ratio&heat=isolated&header=8e4b46&model=Tiny',
  '#v=2&tokens=1,2,3&m=8e4b46000000&name=Qwen3',
];
const PAGES: readonly string[] = ['http://localhost/?model=a.gguf&model=https%3A%2F%2Fhost%2Fb.gguf', 'file:///x/'];

const HPARAMS = generateReport({ kind: 'clean', nLayer: 48 }).model.hparams;

/** What the page does with a link before anyone presses Run, and what a run does with the options then. */
function follow(fragment: string, page: string): void {
  if (URL.canParse(page)) sourcesOfUrl(page);
  const reading = readPermalink(fragment);
  if (reading.kind !== 'link') return;
  const again = readPermalink(writePermalink(reading.link));
  if (again.kind === 'unreadable') throw new Error(`a link that was read is written so that it is not: ${again.why}`);
  const options = optionsFromLink(reading.link.options);
  for (const spec of options.inject ?? []) attempt(() => parseFault(spec));
  attempt(() =>
    parsePlan(
      { stages: options.stages ?? 'all', layers: options.layers ?? 'all', positions: options.positions ?? 'all' },
      HPARAMS,
      12,
    ),
  );
}

/** Refusals of single options are told beside their fields. */
function attempt(action: () => unknown): void {
  try {
    action();
  } catch (error) {
    if (!(error instanceof TracerError) || !['fault-spec', 'plan-stage', 'plan-range'].includes(error.code))
      throw error;
  }
}

export const LINKS_TARGET: FuzzTarget = {
  name: 'links',
  allows: { buffers: [0, 4096], heap: [256, 512 * 1024] },
  codes: [],
  make: (random): FuzzCase => {
    const start = seededRandom(random.uint32());
    const fragment = mutatedText(start, pick(start, LINKS));
    const page = oneIn(start, 4) ? mutatedText(start, pick(start, PAGES)) : pick(start, PAGES);
    return {
      how: 'link',
      size: fragment.length + page.length,
      input: `${page}${fragment}`,
      read: () => {
        follow(fragment, page);
      },
    };
  },
};
