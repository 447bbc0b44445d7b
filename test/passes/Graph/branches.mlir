// RUN: lt-opt %s --lt-infer-shapes --split-input-file | FileCheck %s

// Sizes that both branches give are known before one of them runs, even if they differ.
// CHECK-LABEL: func @sizes
// CHECK: extent.bind 1 = %arg0[0] max 1
// CHECK: extent.derived 2 = select #[[ARGS:.*]]
// CHECK: compute.branch #{{.*}}, @body_0_then, @body_1_else(%arg1)
// CHECK-SAME: -> tensor<?x4xf32, #extent.shape<()[s0, s1, s2] -> (s2, 4)>>
// CHECK: func private @body_0_then
// CHECK: graph.node "Relu"
// CHECK: func private @body_1_else
// CHECK: graph.node "Concat"
func.func @sizes(%c: tensor<i1>, %x: tensor<?x4xf32>) -> !graph.any {
  %r = graph.node "If" version 13 (%c) -> ["r"] regions ["then_branch", "else_branch"] [[], []] : (tensor<i1>) -> !graph.any {
    %a = graph.node "Relu" version 13 (%x) -> ["a"] : (tensor<?x4xf32>) -> !graph.any
    graph.yield %a ["a"] : !graph.any
  }, {
    %a = graph.node "Concat" version 13 (%x, %x) -> ["a"] with {axis = 0 : i64} : (tensor<?x4xf32>, tensor<?x4xf32>) -> !graph.any
    graph.yield %a ["a"] : !graph.any
  }
  return %r : !graph.any
}

// -----

// What only the run tells is measured.
// CHECK-LABEL: func @measured
// CHECK: %[[R:.*]] = compute.branch
// CHECK-NEXT: extent.measure 1 = %[[R]] dim 0
func.func @measured(%c: tensor<i1>, %n: tensor<i64>) -> !graph.any {
  %zero = graph.constant dense<0> : tensor<i64>
  %one = graph.constant dense<1> : tensor<i64>
  %r = graph.node "If" version 13 (%c) -> ["r"] regions ["then_branch", "else_branch"] [[], []] : (tensor<i1>) -> !graph.any {
    %a = graph.node "Range" version 11 (%zero, %n, %one) -> ["a"] : (tensor<i64>, tensor<i64>, tensor<i64>) -> !graph.any
    graph.yield %a ["a"] : !graph.any
  }, {
    %b = graph.constant dense<[1, 2]> : tensor<2xi64>
    graph.yield %b ["b"] : tensor<2xi64>
  }
  return %r : !graph.any
}

// -----

// A condition that is known leaves one branch, wherever it is known from.
// CHECK-LABEL: func @known
// CHECK-NOT: compute.branch
// CHECK: graph.node "Relu"
// CHECK-NOT: graph.node "Neg"
func.func @known(%x: tensor<?x1xf32>) -> !graph.any {
  %one = graph.constant dense<1> : tensor<i64>
  %s = graph.node "Shape" version 13 (%x) -> ["s"] : (tensor<?x1xf32>) -> !graph.any
  %d = graph.node "Gather" version 13 (%s, %one) -> ["d"] : (!graph.any, tensor<i64>) -> !graph.any
  %c = graph.node "Equal" version 13 (%d, %one) -> ["c"] : (!graph.any, tensor<i64>) -> !graph.any
  %r = graph.node "If" version 13 (%c) -> ["r"] regions ["then_branch", "else_branch"] [[], []] : (!graph.any) -> !graph.any {
    %a = graph.node "Relu" version 13 (%x) -> ["a"] : (tensor<?x1xf32>) -> !graph.any
    graph.yield %a ["a"] : !graph.any
  }, {
    %a = graph.node "Neg" version 13 (%x) -> ["a"] : (tensor<?x1xf32>) -> !graph.any
    graph.yield %a ["a"] : !graph.any
  }
  return %r : !graph.any
}

// -----

// What follows from sizes is known in the branch too; the rest is passed.
// CHECK-LABEL: func @captured
// CHECK: compute.branch #{{.*}}, @body_0_then, @body_1_else(%arg1)
// CHECK: func private @body_0_then(%arg0: tensor<?x6xf32, #extent.shape<()[s0] -> (s0, 6)>>)
// CHECK-SAME: -> tensor<6x?xf32, #extent.shape<()[s0] -> (6, s0)>>
func.func @captured(%c: tensor<i1>, %x: tensor<?x6xf32>) -> !graph.any {
  %i = graph.constant dense<[1, 0]> : tensor<2xi64>
  %s = graph.node "Shape" version 13 (%x) -> ["s"] : (tensor<?x6xf32>) -> !graph.any
  %d = graph.node "Gather" version 13 (%s, %i) -> ["d"] : (!graph.any, tensor<2xi64>) -> !graph.any
  %r = graph.node "If" version 13 (%c) -> ["r"] regions ["then_branch", "else_branch"] [[], []] : (tensor<i1>) -> !graph.any {
    %a = graph.node "Reshape" version 13 (%x, %d) -> ["a"] : (tensor<?x6xf32>, !graph.any) -> !graph.any
    graph.yield %a ["a"] : !graph.any
  }, {
    %a = graph.node "Transpose" version 13 (%x) -> ["a"] : (tensor<?x6xf32>) -> !graph.any
    graph.yield %a ["a"] : !graph.any
  }
  return %r : !graph.any
}

// -----

// Where no type fits both branches, what comes after them is in each; the condition is known there.
// CHECK-LABEL: func @tails
// CHECK-SAME: %[[C:.*]]: tensor<i1>, %[[X:.*]]: tensor<3xf32>
// CHECK: %[[E:.*]] = graph.node "Exp"
// CHECK: %[[R:.*]] = compute.branch #{{.*}}, @body_[[THEN:[0-9]+]]_then, @body_[[ELSE:[0-9]+]]_else(
// CHECK-NEXT: return %[[R]]
// CHECK: func private @body_[[THEN]]_then
// CHECK: graph.node "Neg"{{.*}} : (tensor<1x3xf32>)
// CHECK: graph.node "Relu"
// CHECK-NOT: graph.node "Sqrt"
// CHECK: func private @body_[[ELSE]]_else
// CHECK: graph.node "Neg"{{.*}} : (tensor<3xf32>)
// CHECK-NOT: graph.node "Relu"
// CHECK: graph.node "Sqrt"
func.func @tails(%c: tensor<i1>, %x: tensor<3xf32>) -> !graph.any {
  %zero = graph.constant dense<0> : tensor<1xi64>
  %r = graph.node "If" version 13 (%c) -> ["r"] regions ["then_branch", "else_branch"] [[], []] : (tensor<i1>) -> !graph.any {
    %a = graph.node "Unsqueeze" version 13 (%x, %zero) -> ["a"] : (tensor<3xf32>, tensor<1xi64>) -> !graph.any
    graph.yield %a ["a"] : !graph.any
  }, {
    graph.yield %x ["b"] : tensor<3xf32>
  }
  %n = graph.node "Neg" version 13 (%r) -> ["n"] : (!graph.any) -> !graph.any
  %e = graph.node "Exp" version 13 (%x) -> ["e"] : (tensor<3xf32>) -> !graph.any
  %s = graph.node "Add" version 14 (%n, %e) -> ["s"] : (!graph.any, !graph.any) -> !graph.any
  %m = graph.node "ReduceSum" version 13 (%s) -> ["m"] with {keepdims = 0 : i64} : (!graph.any) -> !graph.any
  %o = graph.node "If" version 13 (%c) -> ["o"] regions ["then_branch", "else_branch"] [[], []] : (tensor<i1>) -> !graph.any {
    %a = graph.node "Relu" version 13 (%m) -> ["a"] : (!graph.any) -> !graph.any
    graph.yield %a ["a"] : !graph.any
  }, {
    %a = graph.node "Sqrt" version 13 (%m) -> ["a"] : (!graph.any) -> !graph.any
    graph.yield %a ["a"] : !graph.any
  }
  return %o : !graph.any
}
