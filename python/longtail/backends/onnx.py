"""Longtail as an ONNX backend, with `prepare`, `run_model` and `run_node`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx
from onnx.backend.base import Backend, BackendRep, Device, DeviceType, namedtupledict

import longtail as lt


class LongtailRep(BackendRep):
    """A compiled model that can be run repeatedly."""

    def __init__(self, model: lt.CompiledModel) -> None:
        self.model = model

    def run(self, inputs: Any, **kwargs: Any) -> tuple[Any, ...]:
        """Outputs as a named tuple. `inputs` is a list in the model's order, a dict by name, or the
        only input; an optional input that is left out is None."""
        if isinstance(inputs, Mapping):
            result = self.model(**inputs)
        elif isinstance(inputs, Sequence) and not isinstance(inputs, str | bytes):
            result = self.model(*inputs)
        else:
            result = self.model(inputs)
        names = [each.name for each in self.model.outputs]
        values = result if isinstance(result, lt.Outputs) else (result,)
        return namedtupledict("Outputs", names)(*values)


class LongtailBackend(Backend):
    """Compiles with `longtail.compile`; keyword arguments of `prepare` go there."""

    @classmethod
    def prepare(
        cls, model: onnx.ModelProto | bytes | str, device: str = "CPU", **kwargs: Any
    ) -> LongtailRep:
        if not cls.supports_device(device):
            raise lt.Error(f"device '{device}' is not supported; the only one is CPU")
        return LongtailRep(lt.compile(model, **kwargs))

    @classmethod
    def run_model(
        cls, model: onnx.ModelProto | bytes | str, inputs: Any, device: str = "CPU", **kwargs: Any
    ) -> tuple[Any, ...]:
        return cls.prepare(model, device, **kwargs).run(inputs)

    @classmethod
    def run_node(
        cls,
        node: onnx.NodeProto,
        inputs: Any,
        device: str = "CPU",
        outputs_info: Sequence[tuple[np.dtype, tuple[int, ...]]] | None = None,
        **kwargs: Any,
    ) -> tuple[Any, ...]:
        """Run one node; `opset_version` in kwargs chooses the operator's version (default: newest).

        `inputs` belong to the node's inputs that have a name, in order, or are a dict by name."""
        version = kwargs.pop("opset_version", onnx.defs.onnx_opset_version())
        names = [name for name in node.input if name]
        if isinstance(inputs, Mapping):
            inputs = [inputs[name] for name in names]
        arrays = [np.asarray(value) for value in inputs if value is not None]
        if len(arrays) != len(names):
            raise lt.InputError(f"{node.op_type}: {len(arrays)} inputs given, {len(names)} needed")
        declared = [
            onnx.helper.make_tensor_value_info(
                name, onnx.helper.np_dtype_to_tensor_dtype(array.dtype), array.shape
            )
            for name, array in zip(names, arrays, strict=True)
        ]
        results = [onnx.helper.make_empty_tensor_value_info(name) for name in node.output if name]
        if outputs_info is not None:
            results = [
                onnx.helper.make_tensor_value_info(
                    each.name, onnx.helper.np_dtype_to_tensor_dtype(np.dtype(dtype)), shape
                )
                for each, (dtype, shape) in zip(results, outputs_info, strict=True)
            ]
        graph = onnx.helper.make_graph([node], "node", declared, results)
        opset = onnx.helper.make_operatorsetid(node.domain, version)
        oldest = onnx.helper.find_min_ir_version_for([opset], ignore_unknown=True)
        model = onnx.helper.make_model(graph, opset_imports=[opset], ir_version=oldest)
        if outputs_info is None:
            model = onnx.shape_inference.infer_shapes(model, strict_mode=True)
        return cls.run_model(model, arrays, device, **kwargs)

    @classmethod
    def supports_device(cls, device: str) -> bool:
        try:
            return Device(device).type == DeviceType.CPU
        except (AttributeError, ValueError):
            return False


prepare = LongtailBackend.prepare
run_model = LongtailBackend.run_model
run_node = LongtailBackend.run_node
supports_device = LongtailBackend.supports_device
