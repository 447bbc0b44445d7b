// RUN: lt-opt %s --split-input-file --lt-infer-shapes --lt-expand --verify-diagnostics | FileCheck %s

// An odd rest goes to the end on both ways.
// CHECK-LABEL: func.func @both
// CHECK: access.read %{{.*}} at <(d0, d1, d2) -> (d0 + 2, d1 - 1, d2)
func.func @both(%x: tensor<9x4x3xf32>) -> !graph.any {
  %shape = graph.constant dense<[4, 7]> : tensor<2xi64>
  %y = graph.node "CenterCropPad" version 18 (%x, %shape) -> ["y"] with {axes = array<i64: 0, -2>}
      : (tensor<9x4x3xf32>, tensor<2xi64>) -> !graph.any
  return %y : !graph.any
}

// -----

func.func @count(%x: tensor<9x4xf32>) -> !graph.any {
  %shape = graph.constant dense<[4, 7, 1]> : tensor<3xi64>
  // expected-error @below {{input 'shape' has 3 sizes for 2 axes}}
  %y = graph.node "CenterCropPad" version 18 (%x, %shape) -> ["y"] : (tensor<9x4xf32>, tensor<3xi64>) -> !graph.any
  return %y : !graph.any
}
