"""Captures modules' outputs inside vLLM's worker on one prompt, for MoEscope. See README.md for how to run it.

Each pass of the model becomes DIR/PassN.pt, a dictionary of module names to tensors (lists where a module returns several).
"""

import os

import torch


def _cpu(output):
    if torch.is_tensor(output):
        return output.detach().to("cpu", copy=True).contiguous()
    if isinstance(output, (list, tuple)):
        return [_cpu(item) for item in output if torch.is_tensor(item)]
    return None


def install(model, folder):
    """Hooks `model`, vLLM's own module tree, so that every pass is written to `folder`. Works with collective_rpc / apply_model."""
    os.makedirs(folder, exist_ok=True)
    state = {"pass": 0, "tensors": {}}

    def keep(name):
        def hook(_module, inputs, output):
            if name.endswith("self_attn.o_proj") and inputs and torch.is_tensor(inputs[0]):
                state["tensors"][f"{name}.in"] = _cpu(inputs[0])
            value = _cpu(output)
            if value is not None and value != []:
                state["tensors"][name] = value

        return hook

    def finish(_module, args, kwargs, _output):
        ids = kwargs.get("input_ids", args[0] if args else None)
        if torch.is_tensor(ids):
            state["tensors"]["input_ids"] = _cpu(ids)
        torch.save(state["tensors"], os.path.join(folder, f"Pass{state['pass']}.pt"))
        state["pass"] += 1
        state["tensors"] = {}

    for name, module in model.named_modules():
        if name != "":
            module.register_forward_hook(keep(name))
    # After all others: a pass ends with the model itself.
    model.register_forward_hook(finish, with_kwargs=True)
    return folder
