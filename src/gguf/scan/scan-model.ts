import { throwIfAborted } from '../../base/abort';
import { toErrorData } from '../../base/errors';
import { isQuantType, typeOf, type QuantType } from '../../types/types';
import type { ModelFile, TensorInfo } from '../model-file';
import { countBlocks, noStatistics, type BlockStatistics } from './block-statistics';
import { SCAN_KINDS, type ScanFinding, type ScanKind, type ScanReport } from './scan-report';

/** Read at once: large enough for a disk's speed, small beside a worker's memory. */
const CHUNK_BYTES = 8 * 2 ** 20;

/**
 * A scale this many times the root mean square of all others of its tensor is named. Scales of real models stay below 50 (outlier channels); a
 * flipped bit of an f16 exponent makes 256 and more.
 */
const OUTLYING = 100;

/**
 * Reads every block of a file and names what no run of a prompt is sure to meet: weights that are not finite, blank or doubled experts, odd scales.
 * The next piece is read while one is counted, so that it takes the time that the disk needs.
 * @throws TracerError `run-cancelled`
 */
export async function scanModel(
  model: ModelFile,
  onProgress: (done: number, total: number) => void,
  signal?: AbortSignal,
): Promise<ScanReport> {
  const started = performance.now();
  const tensors = [...model.tensors.values()];
  const total = tensors.reduce((bytes, tensor) => bytes + tensor.bytes, 0);
  const findings: ScanFinding[] = [];
  const skipped: string[] = [];
  let done = 0;
  for (const tensor of tensors) {
    const { type } = tensor;
    if (!isQuantType(type)) {
      skipped.push(tensor.name);
      continue;
    }
    const before = done;
    const parts = await scanTensor(model, tensor, type, signal, (bytes) => {
      onProgress(before + bytes, total);
    }).catch((error: unknown) => {
      throwIfAborted(signal);
      if (!toErrorData(error).code.startsWith('source-')) throw error;
      return undefined;
    });
    if (parts === undefined) findings.push({ tensor: tensor.name, type, kind: 'unreadable' });
    else findings.push(...findingsOf(tensor, parts));
    done += tensor.bytes;
  }
  const seconds = (performance.now() - started) / 1000;
  const rank = new Map<string, number>(SCAN_KINDS.map(({ kind }, i) => [kind, i]));
  const worstFirst = findings.toSorted((x, y) => (rank.get(x.kind) ?? 0) - (rank.get(y.kind) ?? 0));
  return { bytes: total, seconds, tensors: tensors.length - skipped.length, skipped, findings: worstFirst };
}

/** Experts are counted apart. */
function partsOf({ dims, bytes }: TensorInfo): { readonly count: number; readonly bytes: number } {
  const count = dims.length > 2 ? (dims[2] ?? 1) : 1;
  return { count, bytes: bytes / count };
}

/** Statistics of each expert, or of the whole. Pieces begin at the same place in every expert, so that equal experts have equal hashes. */
async function scanTensor(
  model: ModelFile,
  tensor: TensorInfo,
  type: QuantType,
  signal: AbortSignal | undefined,
  onRead: (bytes: number) => void,
): Promise<readonly BlockStatistics[]> {
  const part = partsOf(tensor);
  const parts = Array.from({ length: part.count }, noStatistics);
  const { typeSize } = typeOf(type);
  const piece = Math.min(part.bytes, Math.floor(CHUNK_BYTES / typeSize) * typeSize);
  const span = piece < part.bytes ? piece : Math.max(1, Math.floor(CHUNK_BYTES / part.bytes)) * part.bytes;
  const readAt = (offset: number): Promise<Uint8Array<ArrayBuffer>> | undefined => {
    if (offset >= tensor.bytes) return undefined;
    // No piece reaches over the end of an expert that is larger than one.
    const end = piece < part.bytes ? (Math.floor(offset / part.bytes) + 1) * part.bytes : tensor.bytes;
    const reading = model.readTensor(tensor, offset, Math.min(span, end - offset), signal);
    reading.catch(() => undefined);
    return reading;
  };
  let offset = 0;
  let next = readAt(0);
  while (next !== undefined) {
    const bytes = await next;
    throwIfAborted(signal);
    next = readAt(offset + bytes.length);
    for (let at = 0; at < bytes.length;) {
      const index = Math.floor((offset + at) / part.bytes);
      const length = Math.min((index + 1) * part.bytes - offset - at, bytes.length - at);
      const statistics = parts[index];
      if (statistics !== undefined) countBlocks(type, bytes.subarray(at, at + length), statistics);
      at += length;
    }
    offset += bytes.length;
    onRead(offset);
  }
  return parts;
}

function findingsOf(tensor: TensorInfo, parts: readonly BlockStatistics[]): readonly ScanFinding[] {
  const { name, type, dims } = tensor;
  const isFloat = type === 'F32' || type === 'F16' || type === 'BF16';
  const all = parts.reduce((sum, part) => ({ squares: sum.squares + part.squares, n: sum.n + part.scales }), {
    squares: 0,
    n: 0,
  });
  const seen = new Map<number, number>();
  return parts.flatMap((part, expert) => {
    const at = { tensor: name, type, ...(parts.length > 1 ? { expert } : {}) };
    const found: ScanFinding[] = [];
    const some = (kind: ScanKind, count: number): void => {
      if (count > 0) found.push({ ...at, kind, count, of: part.scales });
    };
    some('nan', part.nan);
    some('infinite', part.infinite);
    const isZero = part.isBlank || (part.zero === part.scales && type !== 'MXFP4');
    if (isZero) return [...found, { ...at, kind: 'blank' }];
    // A norm whose weights are all 1 is as it was made; a matrix of one value is not.
    if (isFloat && part.isConstant && dims.length > 1 && part.scales > 1) found.push({ ...at, kind: 'constant' });
    const original = seen.get(part.hash);
    if (original === undefined) seen.set(part.hash, expert);
    else found.push({ ...at, kind: 'duplicate', value: original });
    if (!isFloat) {
      const others = Math.sqrt(Math.max(0, all.squares - part.largest ** 2) / Math.max(1, all.n - 1));
      const times = others > 0 ? part.largest / others : 0;
      if (times > OUTLYING) found.push({ ...at, kind: 'outlying', count: 1, of: part.scales, value: times });
      some('subnormal', part.subnormal);
      some('zero', part.zero);
    }
    return found;
  });
}
