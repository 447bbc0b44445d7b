// RUN: lt-opt %s --split-input-file --verify-diagnostics --lt-expand

func.func @not_inferred(%x: tensor<2xf32>) -> !graph.any {
  // expected-error @below {{cannot compile operator 'Relu' (domain 'ai.onnx', version 14) of node 'r' with inputs (f32[2]): types have not been inferred}}
  %y = graph.node "Relu" version 14 named "r" (%x) -> ["y"] : (tensor<2xf32>) -> !graph.any
  return %y : !graph.any
}

// -----

func.func @unknown(%x: tensor<2xf32>) -> tensor<2xf32> {
  // expected-error @below {{the operator is not supported}}
  %y = graph.node "NoSuch" version 1 (%x) -> ["y"] : (tensor<2xf32>) -> tensor<2xf32>
  return %y : tensor<2xf32>
}
