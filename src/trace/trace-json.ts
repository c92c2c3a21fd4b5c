import type { Capture } from '../model/engine';
import { stageSpec } from '../model/stages';
import { decodeBase64, encodeBase64 } from './base64';
import { fromFiled, projectionWidths, splitProjections, toFiled } from './filed-layout';
import { formatError, shown } from './format-error';
import { elements, member, parseJson, text, type Field } from './json-fields';
import { readProvenance } from './read-provenance';
import { checkCapture, type CaptureData } from './stage-layout';
import { createTrace, traceBytes, type Trace } from './trace';
import { captureStats } from './capture-stats';
import { readCaptureHeader, captureHeader } from './trace-header';
import { locationKey } from '../model/location';

/** Additive changes keep the number; a change of meaning raises it and gets an upgrader. */
export const TRACE_SCHEMA = 'moescope-trace/1';

/** V8 holds strings up to about 2^29 characters; base64 needs 4 for 3 bytes. */
const MAX_PAYLOAD_BYTES = 360e6;

/**
 * A trace as one JSON document: provenance, and for each capture its layer (null for whole-model stages), stage, positions, shape,
 * statistics (not finite: "NaN", "Infinity", "-Infinity") and little-endian base64 payload (f4, or u4 for expert ids), so that bits survive.
 * @throws TracerError `trace-format` when it would not fit in one string.
 */
export function encodeTraceJson(trace: Trace): string {
  const bytes = traceBytes(trace);
  if (bytes > MAX_PAYLOAD_BYTES) {
    throw formatError(
      'trace JSON',
      `at most ${MAX_PAYLOAD_BYTES} bytes of tensors`,
      `${bytes}`,
      'Save the trace as NPZ or as a folder.',
    );
  }
  const isUnplaced = (captured: Capture): boolean => trace.unplaced.has(locationKey(captured.layer, captured.stage));
  const captures = [...trace.captures.values()]
    .map((captured) => (isUnplaced(captured) ? captured : toFiled(captured)))
    .map((captured) => ({
      ...captureHeader(captured),
      ...(isUnplaced(captured) ? { unplaced: true } : {}),
      stats: captureStats(captured.data),
      type: captured.data instanceof Uint32Array ? 'u4' : 'f4',
      data: base64Of(captured.data),
      ...(captured.bound === undefined ? {} : { bound: base64Of(captured.bound) }),
    }));
  return JSON.stringify({ schema: TRACE_SCHEMA, provenance: trace.provenance, taps: captures }, nonFiniteAsText);
}

/** Reads {@link encodeTraceJson}'s document. @throws TracerError `trace-format` naming the place; another schema is refused by name. */
export function decodeTraceJson(json: string, place: string): Trace {
  const document = parseJson(json, place);
  checkSchema(document, TRACE_SCHEMA);
  const unplaced = new Set<string>();
  const captures = elements(member(document, 'taps')).map((field) => {
    const header = readCaptureHeader(field);
    if (member(field, 'unplaced').value === true) unplaced.add(locationKey(header.layer, header.stage));
    const bound = member(field, 'bound');
    const captured = {
      ...header,
      data: readData(field, stageSpec(header.stage).values === 'index'),
      ...(bound.value === undefined ? {} : { bound: new Float32Array(readBytes(bound)) }),
    };
    return checkCapture(
      unplaced.has(locationKey(captured.layer, captured.stage)) ? captured : fromFiled(captured),
      field.place,
    );
  });
  const provenance = readProvenance(member(document, 'provenance'));
  return createTrace(provenance, splitProjections(captures, projectionWidths(provenance.hparams, captures)), unplaced);
}

/** @throws TracerError `trace-format` when the document's schema is another one. */
export function checkSchema(document: Field, expected: string): void {
  const schema = member(document, 'schema');
  if (schema.value === expected) return;
  throw formatError(
    schema.place,
    expected,
    shown(schema.value),
    'This is not a trace that this version of MoEscope reads. Use the version that wrote it, or save the trace again.',
  );
}

function readData(field: Field, isIndex: boolean): CaptureData {
  const type = member(field, 'type');
  const expected = isIndex ? 'u4' : 'f4';
  if (type.value !== expected) throw formatError(type.place, expected, shown(type.value));
  const buffer = readBytes(member(field, 'data'));
  return isIndex ? new Uint32Array(buffer) : new Float32Array(buffer);
}

function readBytes(field: Field): ArrayBuffer {
  const bytes = decodeBase64(text(field));
  if (bytes === undefined || bytes.length % 4 !== 0) {
    throw formatError(
      field.place,
      'base64 of 4-byte elements',
      bytes === undefined ? 'other text' : `${bytes.length} bytes`,
    );
  }
  return bytes.buffer;
}

function base64Of(data: CaptureData): string {
  return encodeBase64(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
}

function nonFiniteAsText(_key: string, value: unknown): unknown {
  return typeof value === 'number' && !Number.isFinite(value) ? String(value) : value;
}
