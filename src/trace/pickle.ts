import { formatError, shown } from './format-error';

/*
 * Reads the pickles that `torch.save` writes of tensors in dictionaries and lists, without executing anything. A pickle is a program for a
 * stack machine that may call any function of Python; this machine knows the few opcodes that plain data and tensors need, and the few
 * names that stand in them. Anything else is refused by name: a file is data or it is not read.
 */

/** A value of a pickle. Names are only ever labels: nothing is looked up, nothing is called. */
export type PickleValue =
  | null
  | boolean
  | number
  | string
  | Uint8Array
  | PickleName
  | PickleStorage
  | PickleTensor
  | PickleTuple
  | PickleList
  | PickleDict;

/** `module name` of a GLOBAL. */
export interface PickleName {
  readonly kind: 'name';
  readonly name: string;
}
export interface PickleTuple {
  readonly kind: 'tuple';
  readonly items: readonly PickleValue[];
}
export interface PickleList {
  readonly kind: 'list';
  readonly items: PickleValue[];
}
export interface PickleDict {
  readonly kind: 'dict';
  readonly entries: Map<PickleValue, PickleValue>;
}
/** Where a tensor's elements lie: a file of the archive. */
export interface PickleStorage {
  readonly kind: 'storage';
  /** `FloatStorage`, `BFloat16Storage` ... */
  readonly type: string;
  readonly key: string;
  readonly count: number;
}
export interface PickleTensor {
  readonly kind: 'tensor';
  readonly storage: PickleStorage;
  /** In elements. */
  readonly offset: number;
  readonly shape: readonly number[];
  readonly strides: readonly number[];
}

/** Values that a pickle may make: memory is asked for one opcode at a time, so that this bounds it. */
const MOST_VALUES = 4_000_000;
const MARK = Symbol('mark');
type Stacked = PickleValue | typeof MARK;

/** Names that stand in pickles of tensors; every other name is refused. */
const REBUILD_TENSOR = 'torch._utils _rebuild_tensor_v2';
const REBUILD_PARAMETER = 'torch._utils _rebuild_parameter';
const ORDERED_DICT = 'collections OrderedDict';
const SIZE = 'torch Size';
const STORAGE = /^torch (?:storage )?(\w+Storage)$/;
const ALLOWED: ReadonlySet<string> = new Set([REBUILD_TENSOR, REBUILD_PARAMETER, ORDERED_DICT, SIZE]);

/**
 * The value of a pickle.
 * @throws TracerError `trace-format` at the first opcode or name that plain tensors do not need, with its place
 */
export function readPickle(bytes: Uint8Array, place: string): PickleValue {
  return new Machine(bytes, place).run();
}

class Machine {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #place: string;
  readonly #stack: Stacked[] = [];
  readonly #memo = new Map<number, PickleValue>();
  #at = 0;
  #opcodeAt = 0;
  #made = 0;

  constructor(bytes: Uint8Array, place: string) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#place = place;
  }

  run(): PickleValue {
    for (;;) {
      this.#opcodeAt = this.#at;
      const opcode = this.#byte();
      if (opcode === 0x2e /* . STOP */) {
        const value = this.#pop();
        if (this.#stack.length > 0) throw this.#refuse('one value', `${this.#stack.length + 1}`);
        return value;
      }
      this.#obey(opcode);
    }
  }

  #obey(opcode: number): void {
    switch (opcode) {
      case 0x80: // PROTO
        this.#byte();
        return;
      case 0x95: // FRAME
        this.#take(8);
        return;
      case 0x28: // ( MARK
        this.#stack.push(MARK);
        return;
      case 0x4e: // N NONE
        this.#push(null);
        return;
      case 0x88: // NEWTRUE
        this.#push(true);
        return;
      case 0x89: // NEWFALSE
        this.#push(false);
        return;
      case 0x4b: // K BININT1
        this.#push(this.#byte());
        return;
      case 0x4d: // M BININT2
        this.#push(this.#number(2, (at) => this.#view.getUint16(at, true)));
        return;
      case 0x4a: // J BININT
        this.#push(this.#number(4, (at) => this.#view.getInt32(at, true)));
        return;
      case 0x8a: // LONG1
        this.#push(this.#long(this.#byte()));
        return;
      case 0x47: // G BINFLOAT
        this.#push(this.#number(8, (at) => this.#view.getFloat64(at, false)));
        return;
      case 0x58: // X BINUNICODE
        this.#push(this.#text(this.#number(4, (at) => this.#view.getUint32(at, true))));
        return;
      case 0x8c: // SHORT_BINUNICODE
        this.#push(this.#text(this.#byte()));
        return;
      case 0x55: // U SHORT_BINSTRING
        this.#push(this.#text(this.#byte()));
        return;
      case 0x7d: // } EMPTY_DICT
        this.#push({ kind: 'dict', entries: new Map() });
        return;
      case 0x5d: // ] EMPTY_LIST
        this.#push({ kind: 'list', items: [] });
        return;
      case 0x29: // ) EMPTY_TUPLE
        this.#push({ kind: 'tuple', items: [] });
        return;
      case 0x74: // t TUPLE
        this.#push({ kind: 'tuple', items: this.#toMark() });
        return;
      case 0x85: // TUPLE1
      case 0x86:
      case 0x87: {
        const items = Array.from({ length: opcode - 0x84 }, () => this.#pop()).reverse();
        this.#push({ kind: 'tuple', items });
        return;
      }
      case 0x61: // a APPEND
        this.#append([this.#pop()]);
        return;
      case 0x65: // e APPENDS
        this.#append(this.#toMark());
        return;
      case 0x73: // s SETITEM
        this.#setItems([this.#pop(), this.#pop()].reverse());
        return;
      case 0x75: // u SETITEMS
        this.#setItems(this.#toMark());
        return;
      case 0x62: // b BUILD: attributes of an ordered dictionary (`_metadata` of a state dict), which are no entries of it
        this.#pop();
        if (!isKind(this.#top(), 'dict')) throw this.#refuse('a dictionary', 'attributes of something else');
        return;
      case 0x71: // q BINPUT
        this.#memo.set(this.#byte(), this.#top());
        return;
      case 0x72: // r LONG_BINPUT
        this.#memo.set(
          this.#number(4, (at) => this.#view.getUint32(at, true)),
          this.#top(),
        );
        return;
      case 0x94: // MEMOIZE
        this.#memo.set(this.#memo.size, this.#top());
        return;
      case 0x68: // h BINGET
        this.#push(this.#remembered(this.#byte()));
        return;
      case 0x6a: // j LONG_BINGET
        this.#push(this.#remembered(this.#number(4, (at) => this.#view.getUint32(at, true))));
        return;
      case 0x63: // c GLOBAL
        this.#push(this.#allowed(`${this.#line()} ${this.#line()}`));
        return;
      case 0x93: {
        // STACK_GLOBAL
        const [name, module] = [this.#pop(), this.#pop()];
        this.#push(this.#allowed(`${String(module)} ${String(name)}`));
        return;
      }
      case 0x51: // Q BINPERSID
        this.#push(this.#storage(this.#pop()));
        return;
      case 0x52: // R REDUCE
        this.#push(this.#reduce(this.#pop(), this.#pop()));
        return;
      default:
        throw this.#refuse('an opcode that plain tensors need', `opcode 0x${opcode.toString(16).padStart(2, '0')}`);
    }
  }

  /** What torch calls to make a tensor or an ordered dictionary, done by hand. */
  #reduce(args: PickleValue, callee: PickleValue): PickleValue {
    const name = isKind(callee, 'name') ? callee.name : '';
    const items = isKind(args, 'tuple') ? args.items : [];
    const [first] = items;
    if (name === REBUILD_TENSOR) return this.#tensor(items);
    if (name === REBUILD_PARAMETER && first !== undefined && isKind(first, 'tensor')) return first;
    if (name === ORDERED_DICT && items.length === 0) return { kind: 'dict', entries: new Map() };
    if (name === SIZE && first !== undefined && isKind(first, 'tuple')) return first;
    throw this.#refuse('a tensor of torch', name === '' ? 'a call of something else' : `a call of ${name}`);
  }

  #tensor([storage, offset, shape, strides]: readonly PickleValue[]): PickleTensor {
    const numbers = (value: PickleValue | undefined): readonly number[] | undefined => {
      if (value === undefined || !isKind(value, 'tuple')) return undefined;
      const found = value.items.filter(
        (item): item is number => typeof item === 'number' && Number.isSafeInteger(item) && item >= 0,
      );
      return found.length === value.items.length ? found : undefined;
    };
    const [sizes, steps] = [numbers(shape), numbers(strides)];
    if (
      storage === undefined ||
      !isKind(storage, 'storage') ||
      typeof offset !== 'number' ||
      sizes === undefined ||
      steps?.length !== sizes.length
    ) {
      throw this.#refuse('storage, offset, shape and strides of a tensor', 'something else');
    }
    return { kind: 'tensor', storage, offset, shape: sizes, strides: steps };
  }

  /** ('storage', torch.FloatStorage, '0', 'cpu', 48) */
  #storage(id: PickleValue): PickleStorage {
    const [tag, type, key, , count] = isKind(id, 'tuple') ? id.items : [];
    const name = type !== undefined && isKind(type, 'name') ? STORAGE.exec(type.name)?.[1] : undefined;
    if (tag !== 'storage' || name === undefined || typeof key !== 'string' || typeof count !== 'number') {
      throw this.#refuse("a tensor's storage", 'another persistent id');
    }
    return { kind: 'storage', type: name, key, count };
  }

  #allowed(name: string): PickleName {
    if (ALLOWED.has(name) || STORAGE.test(name)) return { kind: 'name', name };
    throw this.#refuse(
      'nothing but tensors, dictionaries, lists and numbers',
      `the name ${shown(name.replace(' ', '.'))}`,
    );
  }

  #append(items: readonly PickleValue[]): void {
    const list = this.#top();
    if (!isKind(list, 'list')) throw this.#refuse('a list', 'something else');
    // Not by spreading: an argument list has an end.
    for (const item of items) list.items.push(item);
  }

  #setItems(items: readonly PickleValue[]): void {
    const dict = this.#top();
    if (!isKind(dict, 'dict') || items.length % 2 !== 0) throw this.#refuse('a dictionary', 'something else');
    for (let i = 0; i < items.length; i += 2) dict.entries.set(items[i] ?? null, items[i + 1] ?? null);
  }

  #push(value: PickleValue): void {
    if (++this.#made > MOST_VALUES) throw this.#refuse(`at most ${MOST_VALUES} values`, 'more');
    this.#stack.push(value);
  }

  #pop(): PickleValue {
    const value = this.#stack.pop();
    if (value === undefined || value === MARK) throw this.#refuse('a value', 'an empty stack');
    return value;
  }

  #top(): PickleValue {
    const value = this.#stack.at(-1);
    if (value === undefined || value === MARK) throw this.#refuse('a value', 'an empty stack');
    return value;
  }

  #toMark(): PickleValue[] {
    const at = this.#stack.lastIndexOf(MARK);
    if (at < 0) throw this.#refuse('a mark', 'none');
    const items = this.#stack.splice(at);
    return items.filter((item): item is PickleValue => item !== MARK);
  }

  #remembered(key: number): PickleValue {
    const value = this.#memo.get(key);
    if (value === undefined) throw this.#refuse(`value ${key} of before`, 'none');
    return value;
  }

  #long(bytes: number): number {
    const from = this.#take(bytes);
    let value = 0n;
    for (let i = bytes - 1; i >= 0; i--) value = (value << 8n) | BigInt(this.#bytes[from + i] ?? 0);
    return Number(BigInt.asIntN(8 * bytes, value));
  }

  #text(length: number): string {
    const from = this.#take(length);
    return new TextDecoder().decode(this.#bytes.subarray(from, from + length));
  }

  /** To the next line feed. */
  #line(): string {
    const end = this.#bytes.indexOf(0x0a, this.#at);
    if (end < 0) throw this.#refuse('the end of a line', 'the end of the file');
    const text = this.#text(end - this.#at);
    this.#at++;
    return text;
  }

  #number(length: number, read: (at: number) => number): number {
    return read(this.#take(length));
  }

  #byte(): number {
    return this.#bytes[this.#take(1)] ?? 0;
  }

  /** Where the next `length` bytes begin. */
  #take(length: number): number {
    const from = this.#at;
    if (from + length > this.#bytes.length) throw this.#refuse(`${length} bytes`, 'the end of the file');
    this.#at += length;
    return from;
  }

  #refuse(expected: string, actual: string): Error {
    return formatError(
      `${this.#place}, byte ${this.#opcodeAt}`,
      expected,
      actual,
      'A pickle can run any program, so only plain tensors are read. Save a dictionary of names to tensors: torch.save({"name": tensor, ...}, file), or use safetensors.',
    );
  }
}

/** Whether a value is of a kind. */
export function isKind<K extends 'name' | 'tuple' | 'list' | 'dict' | 'storage' | 'tensor'>(
  value: PickleValue,
  kind: K,
): value is Extract<PickleValue, { readonly kind: K }> {
  return typeof value === 'object' && value !== null && !(value instanceof Uint8Array) && value.kind === kind;
}
