"""Makes the captures that `tests/judge/transformers.test.ts` judges: PyTorch's own, by the kit of `capture/transformers`, on a GPU.

    python verification/transformers/make_captures.py OUT [--device cuda]

Three models of `tests/golden` in Transformers, with the weights of their GGUF files: in f32 as they are, in bf16 rounded to it, and in f32 with one
module's weights damaged. Beside them one file in the form of SGLang's dumps. TF32 is off: an f32 run means f32.
"""

import argparse
import json
import os
import struct
import sys

import numpy as np
import torch

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "capture", "transformers"))
from moescope_capture import capture  # noqa: E402

TOKENS = [5, 200, 17, 480, 77, 6, 101, 333]

# Model, folder of its GGUF, and the weight that is damaged: its parameter, the GGUF tensor, and how.
MODELS = [
    ("qwen3moe", "mini-f32", "model.layers.1.mlp.gate.weight", "blk.1.ffn_gate_inp.weight", lambda w: w[2].mul_(1.01)),
    ("olmoe", "families/olmoe", "model.layers.1.mlp.experts.down_proj", "blk.1.ffn_down_exps.weight", lambda w: w[:, 3].mul_(1.01)),
    ("qwen2moe", "families/qwen2moe", "model.layers.0.self_attn.k_proj.weight", "blk.0.attn_k.weight", lambda w: w[7].mul_(1.01)),
]

_SCALARS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}


def read_gguf(path):
    """Metadata and F32 tensors of a GGUF file: ({key: value}, {name: array})."""
    data = open(path, "rb").read()
    at = 0

    def number(form):
        nonlocal at
        (value,) = struct.unpack_from("<" + form, data, at)
        at += struct.calcsize("<" + form)
        return value

    def text():
        nonlocal at
        length = number("Q")
        value = data[at : at + length].decode()
        at += length
        return value

    def value_of(kind):
        if kind == 8:
            return text()
        if kind == 9:
            inner, count = number("I"), number("Q")
            return [value_of(inner) for _ in range(count)]
        return number(_SCALARS[kind])

    if number("I") != 0x46554747:
        raise ValueError(f"{path} is no GGUF file")
    number("I")
    n_tensors, n_keys = number("Q"), number("Q")
    metadata = {}
    for _ in range(n_keys):
        key = text()
        metadata[key] = value_of(number("I"))
    infos = []
    for _ in range(n_tensors):
        name = text()
        dims = [number("Q") for _ in range(number("I"))]
        kind, offset = number("I"), number("Q")
        if kind != 0:
            raise ValueError(f"{name} is not F32")
        infos.append((name, dims, offset))
    alignment = metadata.get("general.alignment", 32)
    start = -(-at // alignment) * alignment
    tensors = {
        name: np.frombuffer(data, np.float32, int(np.prod(dims)), start + offset).reshape(dims[::-1])
        for name, dims, offset in infos
    }
    return metadata, tensors


def config_of(arch, meta, tensors):
    import transformers

    key = lambda name, other=None: meta.get(f"{arch}.{name}", other)  # noqa: E731
    heads = key("attention.head_count")
    common = dict(
        vocab_size=tensors["token_embd.weight"].shape[0],
        hidden_size=key("embedding_length"),
        num_hidden_layers=key("block_count"),
        num_attention_heads=heads,
        num_key_value_heads=key("attention.head_count_kv"),
        num_experts=key("expert_count"),
        num_experts_per_tok=key("expert_used_count"),
        rms_norm_eps=key("attention.layer_norm_rms_epsilon"),
        rope_parameters={"rope_theta": key("rope.freq_base", 10000.0), "rope_type": "default"},
        max_position_embeddings=key("context_length"),
        tie_word_embeddings="output.weight" not in tensors,
        use_cache=False,
    )
    ff = key("expert_feed_forward_length", key("feed_forward_length"))
    if arch == "olmoe":
        return transformers.OlmoeConfig(**common, intermediate_size=ff, norm_topk_prob=False)
    if arch == "qwen3moe":
        head_dim = key("attention.key_length", key("embedding_length") // heads)
        return transformers.Qwen3MoeConfig(**common, moe_intermediate_size=ff, head_dim=head_dim, norm_topk_prob=True)
    shared = key("expert_shared_feed_forward_length")
    return transformers.Qwen2MoeConfig(
        **common, moe_intermediate_size=ff, shared_expert_intermediate_size=shared, norm_topk_prob=False
    )


_NAMES = {
    "attn_norm": "input_layernorm",
    "ffn_norm": "post_attention_layernorm",
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "attn_q_norm": "self_attn.q_norm",
    "attn_k_norm": "self_attn.k_norm",
    "ffn_gate_inp": "mlp.gate",
    "ffn_gate_shexp": "mlp.shared_expert.gate_proj",
    "ffn_up_shexp": "mlp.shared_expert.up_proj",
    "ffn_down_shexp": "mlp.shared_expert.down_proj",
    "ffn_gate_inp_shexp": "mlp.shared_expert_gate",
}


def state_of(tensors):
    """The parameters of a Transformers model, from the tensors of a GGUF file."""
    state = {}
    for name, array in tensors.items():
        role, kind = name.rsplit(".", 1)
        if role == "token_embd":
            state["model.embed_tokens.weight"] = array
        elif role == "output_norm":
            state["model.norm.weight"] = array
        elif role == "output":
            state["lm_head.weight"] = array
        else:
            _, layer, role = role.split(".")
            block = f"model.layers.{layer}."
            if role == "ffn_down_exps":
                state[block + "mlp.experts.down_proj"] = array
            elif role == "ffn_gate_exps":
                up = tensors[f"blk.{layer}.ffn_up_exps.weight"]
                state[block + "mlp.experts.gate_up_proj"] = np.concatenate([array, up], axis=1)
            elif role != "ffn_up_exps":
                state[f"{block}{_NAMES[role]}.{kind}"] = array
    return {name: torch.from_numpy(np.array(array)) for name, array in state.items()}


def loaded(arch, meta, tensors, dtype, device):
    import transformers

    config = config_of(arch, meta, tensors)
    model = transformers.AutoModelForCausalLM.from_config(config, attn_implementation="eager", dtype=torch.float32)
    state = state_of(tensors)
    own = model.state_dict()
    if "lm_head.weight" not in state:
        state["lm_head.weight"] = state["model.embed_tokens.weight"]
    if set(own) != set(state):
        raise ValueError(f"{arch}: parameters differ: {sorted(set(own) ^ set(state))}")
    for name, value in state.items():
        if own[name].numel() != value.numel():
            raise ValueError(f"{name}: {tuple(own[name].shape)} in the model, {tuple(value.shape)} in the file")
        state[name] = value.reshape(own[name].shape)
    model.load_state_dict(state, strict=True)
    return model.to(dtype).to(device).eval()


def sglang_form(captures, path):
    """The same values as SGLang's `--debug-tensor-dump-output-folder` writes a pass: fused q, k and v, and lists where a module returns several."""
    dump = {}
    for name, value in captures.items():
        if name.endswith(("q_proj", "k_proj")):
            continue
        if name.endswith("v_proj"):
            block = name[: -len("v_proj")]
            parts = [captures[f"{block}{part}_proj"] for part in "qkv"]
            dump[block + "qkv_proj"] = [torch.cat(parts, dim=-1)[0]]
        elif name.endswith("o_proj.in"):
            dump[name[: -len("o_proj.in")] + "attn"] = value[0]
        elif name.endswith("o_proj"):
            dump[name] = [value[0]]
        elif name.endswith("mlp.gate#0"):
            dump[name[:-2]] = [value]
        elif "#" in name or name in ("input_ids", "lm_head") or name.endswith(("_norm", "self_attn")) or ".experts" in name:
            continue
        elif name.count(".") == 2 and name.startswith("model.layers."):
            continue
        else:
            dump[name] = value[0] if value.dim() == 3 else value
    torch.save(dump, path)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out")
    parser.add_argument("--device", default="cuda")
    args = parser.parse_args()
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False
    import transformers
    from safetensors.torch import load_file

    ids = torch.tensor([TOKENS])
    made = {
        "torch": torch.__version__,
        "transformers": transformers.__version__,
        "device": torch.cuda.get_device_name() if args.device == "cuda" else args.device,
        "tokens": TOKENS,
        "models": {},
    }
    for arch, folder, parameter, tensor, damage in MODELS:
        meta, tensors = read_gguf(os.path.join(ROOT, "tests", "golden", folder, "model.gguf"))
        path = lambda kind: os.path.join(args.out, f"{arch}-{kind}.safetensors")  # noqa: E731
        for kind, dtype in (("f32", torch.float32), ("bf16", torch.bfloat16)):
            capture(loaded(arch, meta, tensors, dtype, args.device), ids, path(kind))
        model = loaded(arch, meta, tensors, torch.float32, args.device)
        with torch.no_grad():
            damage(model.get_parameter(parameter))
        names = capture(model, ids, path("damaged"))
        made["models"][arch] = {"gguf": folder, "damaged": tensor, "tensors": len(names)}
        if arch == "qwen3moe":
            sglang_form(load_file(path("bf16")), os.path.join(args.out, "Pass00000.pt"))
    with open(os.path.join(args.out, "made.json"), "w") as file:
        json.dump(made, file, indent=2)
        file.write("\n")
    print(json.dumps(made))


if __name__ == "__main__":
    main()
