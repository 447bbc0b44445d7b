// RUN: lt-opt %s --lt-infer-shapes --split-input-file | FileCheck %s

// A size that no trip changes is kept, one that grows is measured.
// CHECK-LABEL: func @carried
// CHECK: extent.symbol 0 "" = input 1 dim 0
// CHECK: extent.bind 1 = %arg0[0]
// CHECK: %[[R:.*]]:3 = compute.repeat @body_{{[0-9]+}}_trip #{{.*}} carried(%arg1, %arg1
// CHECK-SAME: -> tensor<?x4xf32, #extent.shape<()[s0] -> (s0, 4)>>,
// CHECK-SAME: tensor<?x4xf32, #extent.shape<()[s0, s1, s2] -> (s2, 4)>>,
// CHECK-SAME: tensor<?x?x4xf32, #extent.shape<()[s0, s1, s2, s3] -> (s3, s0, 4)>>
// CHECK-NEXT: extent.measure 2 = %[[R]]#1 dim 0
// CHECK-NEXT: extent.measure 3 = %[[R]]#2 dim 0
func.func @carried(%m: tensor<i64>, %x: tensor<?x4xf32>) -> (!graph.any, !graph.any, !graph.any) {
  %none = graph.none
  %r:3 = graph.node "Loop" version 13 (%m, %none, %x, %x) -> ["a", "b", "c"] regions ["body"] [["i", "go", "u", "v"]] : (tensor<i64>, none, tensor<?x4xf32>, tensor<?x4xf32>) -> (!graph.any, !graph.any, !graph.any) {
  ^bb0(%i: !graph.any, %go: !graph.any, %u: !graph.any, %v: !graph.any):
    %s = graph.node "Relu" version 13 (%u) -> ["s"] : (!graph.any) -> !graph.any
    %t = graph.node "Concat" version 13 (%v, %x) -> ["t"] with {axis = 0 : i64} : (!graph.any, tensor<?x4xf32>) -> !graph.any
    graph.yield %go, %s, %t, %s ["go", "s", "t", "s"] : !graph.any, !graph.any, !graph.any, !graph.any
  }
  return %r#0, %r#1, %r#2 : !graph.any, !graph.any, !graph.any
}

// -----

// A loop with one trip is no loop, one without a trip gives what it began with.
// CHECK-LABEL: func @few
// CHECK-NOT: compute.repeat
// CHECK: graph.node "Relu"
// CHECK: graph.node "Unsqueeze"
// CHECK: return %{{.*}}, %{{.*}}, %arg0
func.func @few(%x: tensor<4xf32>) -> (!graph.any, !graph.any, !graph.any) {
  %none = graph.none
  %one = graph.constant dense<1> : tensor<i64>
  %zero = graph.constant dense<0> : tensor<i64>
  %r:2 = graph.node "Loop" version 13 (%one, %none, %x) -> ["a", "b"] regions ["body"] [["i", "go", "u"]] : (tensor<i64>, none, tensor<4xf32>) -> (!graph.any, !graph.any) {
  ^bb0(%i: !graph.any, %go: !graph.any, %u: !graph.any):
    %s = graph.node "Relu" version 13 (%u) -> ["s"] : (!graph.any) -> !graph.any
    graph.yield %go, %s, %s ["go", "s", "s"] : !graph.any, !graph.any, !graph.any
  }
  %q = graph.node "Loop" version 13 (%zero, %none, %x) -> ["q"] regions ["body"] [["i", "go", "u"]] : (tensor<i64>, none, tensor<4xf32>) -> !graph.any {
  ^bb0(%i: !graph.any, %go: !graph.any, %u: !graph.any):
    %s = graph.node "Neg" version 13 (%u) -> ["s"] : (!graph.any) -> !graph.any
    graph.yield %go, %s ["go", "s"] : !graph.any, !graph.any
  }
  return %r#0, %r#1, %q : !graph.any, !graph.any, !graph.any
}

// -----

// The accumulated result of a counted loop has its size before; other axes and directions of Scan
// are transpositions and reversals around the loop.
// CHECK-LABEL: func @scan
// CHECK: %[[T:.*]] = graph.node "Transpose"
// CHECK: %[[S:.*]] = graph.node "Slice" version 13(%[[T]]
// CHECK: compute.repeat @body_{{[0-9]+}}_trip #{{.*}} carried(%arg0 : tensor<4xf32>) sliced(%[[S]]
// CHECK-SAME: -> tensor<4xf32>, tensor<?x4xf32, #extent.shape<()[s0] -> (s0, 4)>>
func.func @scan(%h: tensor<4xf32>, %x: tensor<4x?xf32>) -> (!graph.any, !graph.any) {
  %r:2 = graph.node "Scan" version 11 (%h, %x) -> ["a", "b"] with {num_scan_inputs = 1 : i64, scan_input_axes = array<i64: 1>, scan_input_directions = array<i64: 1>} regions ["body"] [["s", "e"]] : (tensor<4xf32>, tensor<4x?xf32>) -> (!graph.any, !graph.any) {
  ^bb0(%s: !graph.any, %e: !graph.any):
    %t = graph.node "Add" version 13 (%s, %e) -> ["t"] : (!graph.any, !graph.any) -> !graph.any
    graph.yield %t, %t ["t", "t"] : !graph.any, !graph.any
  }
  return %r#0, %r#1 : !graph.any, !graph.any
}
