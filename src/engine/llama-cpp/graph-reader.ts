import type { LlamaLibrary } from './library';
import { addressOf } from './probe';
import type { GraphNode } from './stage-of-node';
import { isReadable, stridedValues, type CapturedValues, type Strides } from './strided-values';
import { textAt, type TensorLayout } from './tensor-layout';

const OP_PARAMS_BYTES = 64;

/** A tensor of the graph, read from its struct. Sources are read when they are asked for. */
export interface NativeTensor extends GraphNode, Strides {
  readonly address: bigint;
  readonly type: string;
  readonly sources: readonly NativeTensor[];
  /** Address of the values; 0 where nothing is allocated. */
  readonly data: bigint;
  /** Address of the back-end buffer that holds them. */
  readonly buffer: bigint;
  readonly parameters: DataView;
}

/** Reads the structs and values of a graph that llama.cpp is computing. */
export class GraphReader {
  readonly #library: LlamaLibrary;
  readonly #layout: TensorLayout;
  readonly #opNames = new Map<number, string>();
  readonly #typeNames = new Map<number, string>();
  readonly #bufferNames = new Map<bigint, string>();

  constructor(library: LlamaLibrary, layout: TensorLayout) {
    this.#library = library;
    this.#layout = layout;
  }

  tensor(pointer: unknown): NativeTensor {
    const address = addressOf(pointer);
    const { size, type, buffer, ne, nb, op, opParams, src, nSrc, viewSrc, data, name } = this.#layout;
    const view = this.#bytes(address, size);
    const four = (at: number): Strides['ne'] => {
      const number = (i: number): number => Number(view.getBigInt64(at + 8 * i, true));
      return [number(0), number(1), number(2), number(3)];
    };
    const owner = view.getBigUint64(viewSrc, true);
    // A view has no buffer of its own.
    const holder = owner === 0n ? view : this.#bytes(owner, size);
    const read = (at: bigint): NativeTensor => this.tensor(at);
    let sources: readonly NativeTensor[] | undefined;
    return {
      address,
      name: textAt(view, name),
      op: this.#named(this.#opNames, 'ggml_op_name', view.getInt32(op, true)),
      type: this.#named(this.#typeNames, 'ggml_type_name', view.getInt32(type, true)),
      ne: four(ne),
      nb: four(nb),
      data: view.getBigUint64(data, true),
      buffer: holder.getBigUint64(buffer, true),
      parameters: new DataView(view.buffer, view.byteOffset + opParams, OP_PARAMS_BYTES),
      get sources() {
        sources ??= Array.from({ length: nSrc }, (_, i) => view.getBigUint64(src + 8 * i, true)).flatMap((at) =>
          at === 0n ? [] : [read(at)],
        );
        return sources;
      },
    };
  }

  /** The values, copied to this process; undefined for block types and what is not allocated. */
  values(tensor: NativeTensor): CapturedValues | undefined {
    if (!isReadable(tensor.type) || tensor.buffer === 0n || tensor.data === 0n) return undefined;
    const raw = new Uint8Array(Number(this.#library.call('ggml_nbytes', tensor.address)));
    this.#library.call('ggml_backend_tensor_get', tensor.address, raw, 0, raw.length);
    return stridedValues(tensor.type, tensor, raw);
  }

  /** Name of the back-end buffer: `CPU`, `CPU_REPACK`, `Vulkan0`. */
  bufferName({ buffer }: NativeTensor): string {
    if (buffer === 0n) return '';
    const known = this.#bufferNames.get(buffer);
    if (known !== undefined) return known;
    const name = String(this.#library.call('ggml_backend_buffer_name', buffer));
    this.#bufferNames.set(buffer, name);
    return name;
  }

  #bytes(address: bigint, length: number): DataView {
    const bytes = this.#library.memory(address, length);
    return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** Numbers of operations and types move between releases; their names do not. */
  #named(names: Map<number, string>, of: 'ggml_op_name' | 'ggml_type_name', number: number): string {
    const known = names.get(number);
    if (known !== undefined) return known;
    const name = String(this.#library.call(of, number));
    names.set(number, name);
    return name;
  }
}
