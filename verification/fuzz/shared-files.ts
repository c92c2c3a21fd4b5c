import { strToU8, zlibSync } from 'fflate';
import { seededRandom, type Random } from '../../src/base/random';
import { reportToJson } from '../../src/divergence/report-json';
import { viewOfReport } from '../../src/plots/trace-view';
import { addPngTexts } from '../../src/share/png-text';
import { PNG_KEYWORD, readSharedFile, sharedKind } from '../../src/share/shared-file';
import { packView, viewJson, type SharedView } from '../../src/share/shared-view';
import { FIRST_VIEW } from '../../src/share/view-state';
import { crc32 } from '../../src/trace/crc32';
import { encodeBase64 } from '../../src/trace/base64';
import { generateReport } from '../../tests/support/reports';
import { jsonText, mutated, mutatedJson, mutatedText } from './mutate';
import { oneIn, pick, type FuzzCase, type FuzzTarget } from './target';

const WHOLE = generateReport({ kind: 'not-finite', nLayer: 2, nExpert: 4, nExpertUsed: 2, nTokens: 3 });
/** A row of each kind is enough. */
const REPORT = { ...WHOLE, rows: WHOLE.rows.filter((_, i) => i % 9 === 0) };
const SHARED: SharedView = { report: REPORT, view: FIRST_VIEW, leftOut: [] };
const PACKED = packView(SHARED);
const VIEW = JSON.parse(viewJson(SHARED)) as unknown;
const JSON_REPORT = JSON.parse(reportToJson(REPORT)) as unknown;
const markup = (packed: string): string =>
  `<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg"><metadata><v>${packed}</v></metadata></svg>`;
const page = (packed: string): string => `<!doctype html><title>x</title><script type="text/plain">${packed}</script>`;

function png(texts: ReadonlyMap<string, string>): Uint8Array<ArrayBuffer> {
  const chunk = (type: string, body: Uint8Array): number[] => {
    const typed = [...strToU8(type), ...body];
    const crc = crc32(Uint8Array.from(typed));
    const u32 = (n: number): number[] => [n >>> 24, (n >>> 16) & 255, (n >>> 8) & 255, n & 255];
    return [...u32(body.length), ...typed, ...u32(crc)];
  };
  const header = Uint8Array.of(0, 0, 0, 1, 0, 0, 0, 1, 8, 0, 0, 0, 0);
  const bare = [137, 80, 78, 71, 13, 10, 26, 10, ...chunk('IHDR', header), ...chunk('IEND', new Uint8Array(0))];
  return addPngTexts(Uint8Array.from(bare), texts);
}

/** Any JSON as a view that arrives whole: its checksum is right. */
function rider(json: string): string {
  const bytes = strToU8(json);
  return `moescope-view/1 ${crc32(bytes).toString(16).padStart(8, '0')} ${encodeBase64(zlibSync(bytes, { level: 1 }))}`;
}

function packed(random: Random): string {
  if (oneIn(random, 4)) return PACKED;
  return oneIn(random, 3) ? mutatedText(random, PACKED) : rider(jsonText(mutatedJson(random, VIEW)));
}

const BOMBS = [12, 15, 18].flatMap((bits) =>
  [1, 3, 12].map((count) => png(new Map(Array.from({ length: count }, (_, i) => [`k${i}`, ' '.repeat(1 << bits)])))),
);

const FILES: readonly ((random: Random) => { readonly how: string; readonly bytes: Uint8Array })[] = [
  (random) => ({ how: 'PNG with a view', bytes: png(new Map([[PNG_KEYWORD, packed(random)]])) }),
  (random) => ({ how: 'damaged PNG', bytes: mutated(random, png(new Map([[PNG_KEYWORD, PACKED]]))) }),
  (random) => ({ how: 'PNG with bombs', bytes: pick(random, BOMBS) }),
  (random) => ({ how: 'SVG', bytes: strToU8(markup(packed(random))) }),
  (random) => ({ how: 'damaged SVG', bytes: mutated(random, strToU8(markup(PACKED))) }),
  (random) => ({ how: 'HTML', bytes: strToU8(mutatedText(random, page(packed(random)))) }),
  (random) => ({ how: 'JSON', bytes: strToU8(jsonText(mutatedJson(random, JSON_REPORT))) }),
  (random) => ({ how: 'damaged JSON', bytes: mutated(random, strToU8(JSON.stringify(JSON_REPORT))) }),
];

export const SHARED_FILES: FuzzTarget = {
  name: 'pictures and reports',
  allows: {
    // A packed view unfolds to at most 64 times its size; the inflater grows its buffer, and looks up after pieces of 4 KiB: 4 MiB at most.
    buffers: [5 * 64, 16 * 2 ** 20],
    heap: [160, 4 * 2 ** 20],
  },
  codes: ['trace-format'],
  make: (random): FuzzCase => {
    const start = seededRandom(random.uint32());
    const { how, bytes } = pick(random, FILES)(start);
    const read = (): void => {
      const kind = sharedKind(bytes);
      if (kind === undefined) return;
      // What passes the check is drawn: it must hold together.
      viewOfReport(readSharedFile(bytes, kind, 'fuzz').report);
    };
    return { how, size: bytes.length, input: bytes, read };
  },
};
