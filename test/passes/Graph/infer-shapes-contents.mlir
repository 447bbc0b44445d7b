// Shape arithmetic is followed element by element.
// RUN: lt-opt %s --split-input-file --lt-infer-shapes | FileCheck %s

// A reshape to [batch, -1, 2]: the rest is the quotient of products, without a derived symbol.
// CHECK-DAG: #[[$SHAPE:.*]] = affine_map<()[s0, s1] -> (s0, s1, 8)>
// CHECK-DAG: #[[$WANTED:.*]] = affine_map<()[s0] -> (s0, -1, 2)>
// CHECK-LABEL: func.func @reshape
// CHECK-NOT: extent.derived
// CHECK: graph.node "Shape" {{.*}} {contents = [#[[$SHAPE]]]}
// CHECK: graph.node "Concat" {{.*}} {contents = [#[[$WANTED]]]}
// CHECK: graph.node "Reshape" {{.*}} -> tensor<?x?x2xf32, #extent.shape<()[s0, s1] -> (s0, s1 * 4, 2)>>
func.func @reshape(%x: tensor<?x?x8xf32>) -> !graph.any {
  %s = graph.node "Shape" version 15 (%x) -> ["s"] : (tensor<?x?x8xf32>) -> !graph.any
  %zero = graph.constant dense<0> : tensor<i64>
  %b = graph.node "Gather" version 13 (%s, %zero) -> ["b"] : (!graph.any, tensor<i64>) -> !graph.any
  %axes = graph.constant dense<0> : tensor<1xi64>
  %u = graph.node "Unsqueeze" version 13 (%b, %axes) -> ["u"] : (!graph.any, tensor<1xi64>) -> !graph.any
  %c = graph.constant dense<[-1, 2]> : tensor<2xi64>
  %w = graph.node "Concat" version 13 (%u, %c) -> ["w"] with {axis = 0 : i64} : (!graph.any, tensor<2xi64>) -> !graph.any
  %r = graph.node "Reshape" version 13 (%x, %w) -> ["r"] : (tensor<?x?x8xf32>, !graph.any) -> !graph.any
  return %r : !graph.any
}

// -----

// Floating-point shape arithmetic: Floor of a size times 1.5 is an exact quotient.
// CHECK: #[[$FLOOR:.*]] = affine_map<()[s0] -> ((s0 * 3) floordiv 2)>
// CHECK-LABEL: func.func @floating_point
// CHECK: graph.node "Floor" {{.*}} {contents = [#[[$FLOOR]]]}
// CHECK: graph.node "ConstantOfShape" {{.*}} -> tensor<?xf32, #extent.shape<()[s0] -> ((s0 * 3) floordiv 2)>>
func.func @floating_point(%x: tensor<?xf32>) -> !graph.any {
  %s = graph.node "Shape" version 15 (%x) -> ["s"] : (tensor<?xf32>) -> !graph.any
  %f = graph.node "Cast" version 13 (%s) -> ["f"] with {to = 1 : i64} : (!graph.any) -> !graph.any
  %k = graph.constant dense<1.5> : tensor<f32>
  %m = graph.node "Mul" version 14 (%f, %k) -> ["m"] : (!graph.any, tensor<f32>) -> !graph.any
  %d = graph.node "Floor" version 13 (%m) -> ["d"] : (!graph.any) -> !graph.any
  %i = graph.node "Cast" version 13 (%d) -> ["i"] with {to = 7 : i64} : (!graph.any) -> !graph.any
  %z = graph.node "ConstantOfShape" version 9 (%i) -> ["z"] : (!graph.any) -> !graph.any
  return %z : !graph.any
}

// -----

// A factor that f32 does not multiply exactly is not followed: floor(0.1 * 10) is 1, not 0.
// CHECK-LABEL: func.func @inexact
// CHECK: graph.node "Floor"
// CHECK-NOT: contents
// CHECK-SAME: -> tensor<1xf32>
func.func @inexact(%x: tensor<?xf32>) -> !graph.any {
  %s = graph.node "Shape" version 15 (%x) -> ["s"] : (tensor<?xf32>) -> !graph.any
  %f = graph.node "Cast" version 13 (%s) -> ["f"] with {to = 1 : i64} : (!graph.any) -> !graph.any
  %k = graph.constant dense<0.1> : tensor<f32>
  %m = graph.node "Mul" version 14 (%f, %k) -> ["m"] : (!graph.any, tensor<f32>) -> !graph.any
  %d = graph.node "Floor" version 13 (%m) -> ["d"] : (!graph.any) -> !graph.any
  return %d : !graph.any
}

// -----

// A comparison that the least sizes decide chooses at compile time.
// CHECK: #[[$CHOSEN:.*]] = affine_map<()[s0] -> (s0)>
// CHECK-LABEL: func.func @decided
// CHECK: graph.node "Equal" {{.*}} {contents = [#{{.*}}]}
// CHECK: graph.node "Where" {{.*}} {contents = [#[[$CHOSEN]]]}
func.func @decided(%x: tensor<?xf32>) -> !graph.any {
  %s = graph.node "Shape" version 15 (%x) -> ["s"] : (tensor<?xf32>) -> !graph.any
  %minus = graph.constant dense<-1> : tensor<1xi64>
  %one = graph.constant dense<1> : tensor<1xi64>
  %e = graph.node "Equal" version 13 (%s, %minus) -> ["e"] : (!graph.any, tensor<1xi64>) -> !graph.any
  %w = graph.node "Where" version 9 (%e, %one, %s) -> ["w"] : (!graph.any, tensor<1xi64>, !graph.any) -> !graph.any
  return %w : !graph.any
}

// -----

// A shape that comes with the data is read at run time.
// CHECK-LABEL: func.func @bound
// CHECK: extent.bind 0 = %{{.*}}[0] min -1
// CHECK-NEXT: extent.bind 1 = %{{.*}}[1] min -1
// CHECK: extent.check eq {{.*}} "a reshape to another number of elements, in node ''"
// CHECK: graph.node "Reshape" {{.*}} -> tensor<?x?xf32
func.func @bound(%x: tensor<4x6xf32>, %shape: tensor<2xi64>) -> !graph.any {
  %r = graph.node "Reshape" version 13 (%x, %shape) -> ["r"] : (tensor<4x6xf32>, tensor<2xi64>) -> !graph.any
  return %r : !graph.any
}
