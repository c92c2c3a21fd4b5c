import { layerOfNode, type GraphParameter } from '../../model/graph-parameters';
import type { Frame } from './frames';
import type { GraphReader, NativeTensor } from './graph-reader';
import type { ParameterLayout } from './probe';
import { inputStages, isWanted, stageOfNode, type GraphNames, type NodeStage } from './stage-of-node';
import type { CapturedValues } from './strided-values';
import { ROUTER_PROBS } from '../../model/stage-roles';

type CaptureFrame = Extract<Frame, { readonly type: 'capture' }>;

export interface GraphCaptureOptions {
  readonly reader: GraphReader;
  readonly parameters: ParameterLayout;
  readonly names: GraphNames;
  /** Ask for the router's probabilities too, which parts a router that is one kernel: for back ends that have none. */
  readonly askRouter: boolean;
  readonly send: (frame: CaptureFrame, values: CapturedValues) => void;
}

/**
 * The evaluation callback of one decode. llama.cpp asks of each node whether it is wanted, computes up to the first that is, and shows it.
 * What is wanted is chosen so that fused kernels stay fused: values inside one are not asked for, and what the router chose is read as the
 * input of whatever uses it. An input is alive when its reader has run, unless the reader wrote over it.
 */
export class GraphCapture {
  readonly #options: GraphCaptureOptions;
  /** By name, value and layer. */
  readonly #parameters = new Map<string, GraphParameter>();
  #first: string | undefined;
  #graph = -1;
  #shown = 0;
  #fusedAttention = false;
  #failure: Error | undefined;

  constructor(options: GraphCaptureOptions) {
    this.#options = options;
  }

  /** An exception must not cross native frames: it is kept, and nothing more is asked for. */
  readonly onNode = (pointer: unknown, ask: boolean): boolean => {
    if (this.#failure !== undefined) return false;
    try {
      const tensor = this.#options.reader.tensor(pointer);
      return ask ? this.#ask(tensor) : this.#show(tensor);
    } catch (error) {
      this.#failure = error instanceof Error ? error : new Error(String(error));
      return false;
    }
  };

  /** Runs of the graph so far: one a micro-batch. */
  get graphs(): number {
    return this.#graph + 1;
  }

  get shown(): number {
    return this.#shown;
  }

  get fusedAttention(): boolean {
    return this.#fusedAttention;
  }

  /** What the graph's own parameters were, each value once a layer. */
  get parameters(): readonly GraphParameter[] {
    return [...this.#parameters.values()];
  }

  /** @throws what went wrong inside the callback */
  check(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }

  #ask(tensor: NativeTensor): boolean {
    const id = `${tensor.name}/${tensor.op}`;
    this.#first ??= id;
    if (id === this.#first) this.#graph++;
    if (tensor.op === 'FLASH_ATTN_EXT') this.#fusedAttention = true;
    this.#note(tensor);
    const stage = stageOfNode(tensor, this.#options.names)?.stage;
    if (stage === ROUTER_PROBS) return this.#options.askRouter;
    return isWanted(tensor, this.#options.names);
  }

  #show(tensor: NativeTensor): boolean {
    this.#shown++;
    const stage = stageOfNode(tensor, this.#options.names);
    if (stage !== undefined) this.#send(stage, tensor);
    for (const input of inputStages(tensor, this.#options.names)) {
      const source = tensor.sources[input.source];
      if (source !== undefined && source.data !== tensor.data) this.#send(input, source);
    }
    return true;
  }

  #send({ stage, layer }: NodeStage, tensor: NativeTensor): void {
    const { reader, send } = this.#options;
    const values = reader.values(tensor);
    if (values === undefined) return;
    send(
      {
        type: 'capture',
        stage,
        ...(layer === undefined ? {} : { layer }),
        ne: tensor.ne,
        values: values instanceof Float32Array ? 'f32' : 'i32',
        graph: this.#graph,
        op: tensor.op,
        buffer: reader.bufferName(tensor),
      },
      values,
    );
  }

  #note({ op, name, parameters }: NativeTensor): void {
    const at = this.#options.parameters;
    const note = (what: GraphParameter['name'], value: number): void => {
      const key = `${what}=${value} ${layerOfNode(name) ?? ''}`;
      if (!this.#parameters.has(key)) this.#parameters.set(key, { name: what, value, node: name });
    };
    if (op === 'RMS_NORM') note('eps', parameters.getFloat32(at.eps, true));
    // The router's softmax has the scale 1 and is no attention.
    if (op === 'SOFT_MAX' && name.startsWith('kq'))
      note('attentionScale', parameters.getFloat32(at.softMaxScale, true));
    if (op === 'FLASH_ATTN_EXT') note('attentionScale', parameters.getFloat32(at.softMaxScale, true));
    // Clamps of other values have other names.
    if (op === 'CLAMP' && at.clampMin !== undefined && name.startsWith('ffn_moe_weights'))
      note('weightClamp', parameters.getFloat32(at.clampMin, true));
    // Other activations have no steepness.
    if (op === 'GLU' && at.glu !== undefined && parameters.getFloat32(at.glu.alpha, true) !== 0) {
      note('gluAlpha', parameters.getFloat32(at.glu.alpha, true));
      note('gluLimit', parameters.getFloat32(at.glu.limit, true));
    }
    if (op === 'ROPE') {
      note('ropeDims', parameters.getInt32(at.ropeDims, true));
      note('ropeMode', parameters.getInt32(at.ropeMode, true));
      note('ropeBase', parameters.getFloat32(at.ropeBase, true));
      note('ropeScale', parameters.getFloat32(at.ropeScale, true));
    }
  }
}
