"""Captures every module's output of a Transformers model on one prompt, for MoEscope.

    from moescope_capture import capture
    capture(model, input_ids, "dump.safetensors")

or from a shell:

    python moescope_capture.py MODEL --tokens 9707,1917 --out dump.safetensors [--dtype float32|bfloat16|float16] [--device cuda]

The names are the modules' own (`model.layers.3.mlp`); the k-th of several outputs gets `#k`; a module's first input, where it is what MoEscope
needs, gets `.in`. Experts that are one module with stacked weights give `mlp.experts.gate`, `.up`, `.down.in` and `.down`, (tokens, experts of a token,
channels). Values keep their type, bfloat16 too. Only the batch's first row is kept.
"""

import argparse

import torch

# What is no stage: rotary tables, activation functions, modules of single experts.
SKIPPED = ("rotary_emb", "act_fn", "experts.")
# Values that no module returns: attention's own result, the residual behind attention, the product of gate and up.
INPUTS = ("self_attn.o_proj", "post_attention_layernorm", "mlp.down_proj", "mlp.shared_expert.down_proj")


def _tensors(output):
    """The tensors of a module's output, in order."""
    if torch.is_tensor(output):
        return [output]
    if hasattr(output, "to_tuple"):
        output = output.to_tuple()
    if isinstance(output, (list, tuple)):
        return [item for item in output if torch.is_tensor(item)]
    return []


class _StackedExperts:
    """Catches what one module of stacked experts (`gate_up_proj`, `down_proj`) multiplies, while it runs its loop over experts."""

    def __init__(self, name, module, keep):
        self.name, self.module, self.keep = name, module, keep
        self.linear = torch.nn.functional.linear

    def begin(self, _module, inputs):
        # (tokens, channels), (tokens, used), (tokens, used)
        self.chosen = inputs[1]
        self.found = {}
        torch.nn.functional.linear = self.multiply

    def end(self, *_):
        torch.nn.functional.linear = self.linear
        for part, values in self.found.items():
            self.keep(f"{self.name}.{part}", [values.unsqueeze(0)])

    def multiply(self, x, weight, bias=None):
        y = self.linear(x, weight, bias)
        half = y.shape[-1] // 2
        for stacked, parts in (
            (self.module.gate_up_proj, (("gate", y[..., :half]), ("up", y[..., half:]))),
            (self.module.down_proj, (("down.in", x), ("down", y))),
        ):
            expert, rest = divmod(weight.data_ptr() - stacked.data_ptr(), stacked[0].numel() * stacked.element_size())
            if rest != 0 or not 0 <= expert < stacked.shape[0] or weight.shape != stacked.shape[1:]:
                continue
            # The loop takes its rows by slot, then by token.
            slot, token = torch.where((self.chosen == expert).T)
            for part, rows in parts:
                shape = (*self.chosen.shape, rows.shape[-1])
                self.found.setdefault(part, torch.full(shape, float("nan"), dtype=rows.dtype, device=rows.device))
                self.found[part][token, slot] = rows
        return y


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
    linear = torch.nn.functional.linear

    def keep(name, tensors):
        for k, tensor in enumerate(tensors):
            key = name if len(tensors) == 1 else f"{name}#{k}"
            if key in captured:
                raise RuntimeError(f"{key} ran twice: a shared module, or a model that runs in chunks")
            captured[key] = _kept(tensor)

    # The grouped products of other implementations show no expert's values.
    experts = getattr(model.config, "_experts_implementation", None)
    if experts is not None:
        model.set_experts_implementation("eager")

    for name, module in model.named_modules():
        # A list of modules is never called itself.
        if isinstance(module, torch.nn.ModuleList):
            continue
        if name.endswith(".experts") and hasattr(module, "gate_up_proj") and hasattr(module, "down_proj"):
            caught = _StackedExperts(name, module, keep)
            handles.append(module.register_forward_pre_hook(caught.begin))
            handles.append(module.register_forward_hook(caught.end))
        if name == "" or any(part in name for part in SKIPPED):
            continue
        handles.append(module.register_forward_hook(lambda _m, _i, output, name=name: keep(name, _tensors(output))))
        if name.endswith(INPUTS):
            handles.append(module.register_forward_pre_hook(lambda _m, inputs, name=name: keep(f"{name}.in", _tensors(inputs)[:1])))
    try:
        model(input_ids=input_ids.to(next(model.parameters()).device), use_cache=False)
    finally:
        torch.nn.functional.linear = linear
        for handle in handles:
            handle.remove()
        if experts is not None:
            model.set_experts_implementation(experts)
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
