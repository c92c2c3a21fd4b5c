// Apart from the scan itself: a page that shows reports needs no type's blocks.

/** What a scan finds in a tensor, or in one expert of it, worst first. `alarm`: no model that was made on purpose has it. */
export const SCAN_KINDS = [
  { kind: 'unreadable', alarm: true, what: 'cannot be read' },
  { kind: 'nan', alarm: true, what: 'NaN' },
  { kind: 'infinite', alarm: true, what: 'infinite' },
  { kind: 'blank', alarm: true, what: 'all zero' },
  { kind: 'constant', alarm: true, what: 'one value throughout' },
  { kind: 'duplicate', alarm: true, what: 'the same bytes as another expert' },
  { kind: 'outlying', alarm: false, what: 'outlying' },
  { kind: 'subnormal', alarm: false, what: 'subnormal' },
  { kind: 'zero', alarm: false, what: 'zero' },
] as const;
export type ScanKind = (typeof SCAN_KINDS)[number]['kind'];

export interface ScanFinding {
  readonly tensor: string;
  readonly type: string;
  readonly kind: ScanKind;
  /** Undefined for a tensor without experts. */
  readonly expert?: number;
  /** Scales (of a float type: values) that are so, and all there are in the tensor or expert. Absent where it is the whole that is so. */
  readonly count?: number;
  readonly of?: number;
  /** Of a duplicate: the first expert with these bytes. Of an outlying scale: how many times the root mean square of the tensor's. */
  readonly value?: number;
}

export interface ScanReport {
  readonly bytes: number;
  readonly seconds: number;
  readonly tensors: number;
  /** Tensors of types whose blocks are not known here. */
  readonly skipped: readonly string[];
  readonly findings: readonly ScanFinding[];
}
