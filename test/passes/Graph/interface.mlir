// RUN: lt-opt %s --lt-infer-shapes --split-input-file | FileCheck %s

// A sequence that enters or leaves a model is its values and its shapes; the attribute says of what.
// CHECK-LABEL: func @insert
// CHECK-SAME: tensor<?xf32, {{.*}}> {graph.name = "x:values"}
// CHECK-SAME: tensor<?x1xi64, {{.*}}> {graph.name = "x:shapes"}
// CHECK-SAME: tensor<?xf32, {{.*}}> {graph.dim_names = ["n"], graph.name = "t"}
// CHECK-SAME: {graph.name = "y:values"}
// CHECK-SAME: {graph.name = "y:shapes"}
// CHECK-SAME: graph.interface = {inputs = [
// CHECK-SAME: name = "x"
// CHECK-SAME: pair = true
// CHECK-SAME: sequence = true
// CHECK-NOT: !graph.sequence
func.func @insert(%x: !graph.sequence<tensor<?xf32>> {graph.name = "x"}, %t: tensor<?xf32> {graph.dim_names = ["n"], graph.name = "t"}) -> (!graph.any {graph.name = "y"}) {
  %y = graph.node "SequenceInsert" version 11 (%x, %t) -> ["y"] : (!graph.sequence<tensor<?xf32>>, tensor<?xf32>) -> !graph.any
  return %y : !graph.any
}

// -----

// What is known of a length stays a list.
// CHECK-LABEL: func @list
// CHECK-NOT: graph.interface
// CHECK: %[[R:.*]] = graph.node "Add"
// CHECK: return %[[R]] : tensor<2xf32>
func.func @list(%a: tensor<2xf32> {graph.name = "a"}, %b: tensor<2xf32> {graph.name = "b"}) -> (!graph.any {graph.name = "r"}) {
  %zero = graph.constant dense<0> : tensor<i64>
  %one = graph.constant dense<1> : tensor<i64>
  %s = graph.node "SequenceConstruct" version 11 (%a, %b) -> ["s"] : (tensor<2xf32>, tensor<2xf32>) -> !graph.any
  %p = graph.node "SequenceAt" version 11 (%s, %zero) -> ["p"] : (!graph.any, tensor<i64>) -> !graph.any
  %q = graph.node "SequenceAt" version 11 (%s, %one) -> ["q"] : (!graph.any, tensor<i64>) -> !graph.any
  %r = graph.node "Add" version 14 (%p, %q) -> ["r"] : (!graph.any, !graph.any) -> !graph.any
  return %r : !graph.any
}

// -----

// A loop carries the parts.
// CHECK-LABEL: func @collect
// CHECK: compute.repeat
// CHECK: func private
func.func @collect(%x: tensor<2xf32> {graph.name = "x"}, %n: tensor<i64> {graph.name = "n"}) -> (!graph.any {graph.name = "y"}) {
  %none = graph.none
  %empty = graph.node "SequenceEmpty" version 11 () -> ["e"] : () -> !graph.any
  %y = graph.node "Loop" version 16 (%n, %none, %empty) -> ["y"] regions ["body"] [["i", "c", "s"]] : (tensor<i64>, none, !graph.any) -> !graph.any {
  ^bb0(%i: tensor<i64>, %c: tensor<i1>, %s: !graph.any):
    %next = graph.node "SequenceInsert" version 11 (%s, %x) -> ["next"] : (!graph.any, tensor<2xf32>) -> !graph.any
    graph.yield %c, %next ["c", "next"] : tensor<i1>, !graph.any
  }
  return %y : !graph.any
}
