// Symbols of arguments: equal names are one symbol, other names say nothing.
// RUN: lt-opt %s --split-input-file --lt-infer-shapes | FileCheck %s

// CHECK: #[[$NAMED:.*]] = affine_map<()[s0, s1, s2] -> (s1, s2)>
// CHECK-LABEL: func.func @same_name
// CHECK-SAME: %{{.*}}: tensor<?x?xf32, #extent.shape<()[s0, s1] -> (s0, s1)>>
// CHECK-SAME: %{{.*}}: tensor<?xf32, #extent.shape<()[s0, s1] -> (s1)>>
// CHECK-SAME: -> tensor<?x?xf32, #extent.shape<()[s0, s1] -> (s0, s1)>>
// CHECK-DAG: extent.symbol 0 "batch" = input 0 dim 0 max
// CHECK-DAG: extent.symbol 1 "length" = input 0 dim 1 max
// CHECK-DAG: extent.symbol 2 "length" = input 1 dim 0 max
// CHECK: extent.check eq #[[$NAMED]] "dimension 0 of input 'y' differs from the other dimensions named 'length'"
func.func @same_name(
    %x: tensor<?x?xf32> {graph.name = "x", graph.dim_names = ["batch", "length"]},
    %y: tensor<?xf32> {graph.name = "y", graph.dim_names = ["length"]}) -> !graph.any {
  %z = graph.node "Add" version 14 (%x, %y) -> ["z"] : (tensor<?x?xf32>, tensor<?xf32>) -> !graph.any
  return %z : !graph.any
}

// -----

// CHECK-LABEL: func.func @no_names
// CHECK-SAME: #extent.shape<()[s0, s1, s2] -> (s0, s1, s2, 4)>
// CHECK: extent.symbol 0 "?"
// CHECK: extent.symbol 1 "?"
// CHECK: extent.symbol 2 "past + 1"
// CHECK-NOT: extent.check
func.func @no_names(%x: tensor<?x?x?x4xf32> {graph.dim_names = ["?", "?", "past + 1", ""]}) -> !graph.any {
  %z = graph.node "Relu" version 14 (%x) -> ["z"] : (tensor<?x?x?x4xf32>) -> !graph.any
  return %z : !graph.any
}

// -----

// Unrelated sizes broadcast either way at run time; a size of 1 is chosen by a derived symbol.
// CHECK-LABEL: func.func @decided_at_run_time
// CHECK: extent.symbol 0
// CHECK: extent.symbol 1
// CHECK: extent.derived [[CHOICE:[0-9]+]] = select
// CHECK: extent.check eq {{.*}} "sizes do not broadcast in operator 'Mul' of node 'scale'"
// CHECK: graph.node "Mul" {{.*}} #extent.shape<{{.*}}s[[CHOICE]]] -> (s[[CHOICE]])>
func.func @decided_at_run_time(%x: tensor<?xf32>, %y: tensor<?xf32>) -> !graph.any {
  %z = graph.node "Mul" version 14 named "scale" (%x, %y) -> ["z"] : (tensor<?xf32>, tensor<?xf32>) -> !graph.any
  return %z : !graph.any
}

// -----

// Sizes of one dimension of an input must agree: halving and doubling is only right for even sizes.
// CHECK-LABEL: func.func @must_agree
// CHECK-NOT: extent.derived
// CHECK: extent.check eq {{.*}} "sizes {{.*}} differ in operator 'Add' of node ''"
// CHECK: graph.node "Add" {{.*}} -> tensor<?xf32, #extent.shape<()[s0] -> (s0)>>
func.func @must_agree(%x: tensor<?xf32>) -> !graph.any {
  %starts = graph.constant dense<0> : tensor<1xi64>
  %ends = graph.constant dense<9223372036854775807> : tensor<1xi64>
  %steps = graph.constant dense<2> : tensor<1xi64>
  %none = graph.none
  %half = graph.node "Slice" version 13 (%x, %starts, %ends, %none, %steps) -> ["h"]
      : (tensor<?xf32>, tensor<1xi64>, tensor<1xi64>, none, tensor<1xi64>) -> !graph.any
  %twice = graph.node "Concat" version 13 (%half, %half) -> ["t"] with {axis = 0 : i64} : (!graph.any, !graph.any) -> !graph.any
  %z = graph.node "Add" version 14 (%x, %twice) -> ["z"] : (tensor<?xf32>, !graph.any) -> !graph.any
  return %z : !graph.any
}
