// RUN: lt-opt %s -canonicalize | FileCheck %s
// RUN: lt-opt %s -cse | FileCheck %s --check-prefix=CSE

// A node that nothing uses is erased, whatever it is.
// CHECK-LABEL: func.func @unused
// CHECK-NEXT: return
func.func @unused(%x: tensor<f32>) {
  %0 = graph.node "RandomNormalLike" version 13 (%x) -> ["r"] : (tensor<f32>) -> !graph.any
  %1 = graph.node "Relu" version 13 (%x) -> ["y"] : (tensor<f32>) -> !graph.any
  %2 = graph.constant dense<1.0> : tensor<f32>
  return
}

// Equal nodes become one; random and unknown ones stay apart.
// CSE-LABEL: func.func @equal
// CSE: %[[Y:.*]] = graph.node "Relu"
// CSE-NOT: "Relu"
// CSE: %[[R:.*]] = graph.node "RandomNormalLike"
// CSE: %[[Q:.*]] = graph.node "RandomNormalLike"
// CSE: %[[F:.*]] = graph.node "Foreign"
// CSE: %[[G:.*]] = graph.node "Foreign"
// CSE: return %[[Y]], %[[Y]], %[[R]], %[[Q]], %[[F]], %[[G]]
func.func @equal(%x: tensor<f32>)
    -> (!graph.any, !graph.any, !graph.any, !graph.any, !graph.any, !graph.any) {
  %0 = graph.node "Relu" version 13 (%x) -> [""] : (tensor<f32>) -> !graph.any
  %1 = graph.node "Relu" version 13 (%x) -> [""] : (tensor<f32>) -> !graph.any
  %2 = graph.node "RandomNormalLike" version 13 (%x) -> [""] : (tensor<f32>) -> !graph.any
  %3 = graph.node "RandomNormalLike" version 13 (%x) -> [""] : (tensor<f32>) -> !graph.any
  %4 = graph.node "Foreign" domain "my" version 1 (%x) -> [""] : (tensor<f32>) -> !graph.any
  %5 = graph.node "Foreign" domain "my" version 1 (%x) -> [""] : (tensor<f32>) -> !graph.any
  return %0, %1, %2, %3, %4, %5
      : !graph.any, !graph.any, !graph.any, !graph.any, !graph.any, !graph.any
}
