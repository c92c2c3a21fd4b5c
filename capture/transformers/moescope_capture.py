"""Captures every module's output of a Transformers model on one prompt, for MoEscope.

    from moescope_capture import capture
    capture(model, input_ids, "dump.safetensors")

or from a shell:

    python moescope_capture.py MODEL --tokens 9707,1917 --out dump.safetensors [--dtype float32|bfloat16|float16] [--device cuda]

The names are the modules' own (`model.layers.3.mlp`); the k-th of several outputs gets `#k`; a module's first input, where it is what MoEscope
needs, gets `.in`. Values keep their type, bfloat16 too. Only the batch's first row is kept.
"""

import argparse

import torch

# What is no stage: rotary tables, activation functions, containers.
SKIPPED = ("rotary_emb", "act_fn", "experts")
# The input of the output projection is attention's own result, which no module returns.
INPUTS = ("self_attn.o_proj",)


def _tensors(output):
    """The tensors of a module's output, in order."""
    if torch.is_tensor(output):
        return [output]
    if hasattr(output, "to_tuple"):
        output = output.to_tuple()
    if isinstance(output, (list, tuple)):
        return [item for item in output if torch.is_tensor(item)]
    return []


def _kept(tensor):
    # (batch, tokens, ...): the first of the batch. Two axes are (tokens, channels) already.
    first = tensor[:1] if tensor.dim() >= 3 else tensor
    return first.detach().to("cpu", copy=True).contiguous()


@torch.no_grad()
def capture(model, input_ids, out):
    """Runs `model` once on `input_ids`, (1, nTokens), and writes what its modules returned to the safetensors file `out`."""
    from safetensors.torch import save_file

    if input_ids.dim() != 2 or input_ids.shape[0] != 1:
        raise ValueError(f"input_ids must be (1, nTokens), not {tuple(input_ids.shape)}")
    captured = {"input_ids": input_ids[0].to("cpu", torch.int64).contiguous()}
    handles = []

    def keep(name, tensors):
        for k, tensor in enumerate(tensors):
            key = name if len(tensors) == 1 else f"{name}#{k}"
            if key in captured:
                raise RuntimeError(f"{key} ran twice: a shared module, or a model that runs in chunks")
            captured[key] = _kept(tensor)

    for name, module in model.named_modules():
        if name == "" or any(part in name for part in SKIPPED):
            continue
        handles.append(module.register_forward_hook(lambda _m, _i, output, name=name: keep(name, _tensors(output))))
        if name.endswith(INPUTS):
            handles.append(module.register_forward_pre_hook(lambda _m, inputs, name=name: keep(f"{name}.in", _tensors(inputs)[:1])))
    try:
        model(input_ids=input_ids.to(next(model.parameters()).device), use_cache=False)
    finally:
        for handle in handles:
            handle.remove()
    save_file(captured, out)
    return sorted(captured)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("--tokens", required=True, help="token ids separated by commas")
    parser.add_argument("--out", required=True)
    parser.add_argument("--dtype", default="float32", choices=["float32", "bfloat16", "float16"])
    parser.add_argument("--device", default="cpu")
    args = parser.parse_args()
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(args.model, dtype=getattr(torch, args.dtype), attn_implementation="eager")
    model = model.to(args.device).eval()
    ids = torch.tensor([[int(token) for token in args.tokens.split(",")]])
    names = capture(model, ids, args.out)
    print(f"{len(names)} tensors in {args.out}")


if __name__ == "__main__":
    main()
