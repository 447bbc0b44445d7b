// Operators that only move elements are reads.
// RUN: lt-opt %s --split-input-file --lt-infer-shapes --lt-expand | FileCheck %s

// CHECK-LABEL: func.func @slice
// CHECK: access.read %{{.*}} at <(d0, d1) -> (-d0 + 9, d1 * 2 + 1)> : tensor<10x8xf32> -> tensor<10x4xf32>
func.func @slice(%x: tensor<10x8xf32>) -> !graph.any {
  %starts = graph.constant dense<[-1, 1]> : tensor<2xi64>
  %ends = graph.constant dense<[-9223372036854775808, 9223372036854775807]> : tensor<2xi64>
  %axes = graph.constant dense<[0, -1]> : tensor<2xi64>
  %steps = graph.constant dense<[-1, 2]> : tensor<2xi64>
  %y = graph.node "Slice" version 13 (%x, %starts, %ends, %axes, %steps) -> ["y"] : (tensor<10x8xf32>, tensor<2xi64>, tensor<2xi64>, tensor<2xi64>, tensor<2xi64>) -> !graph.any
  return %y : !graph.any
}

// -----

// CHECK-LABEL: func.func @last_rows
// The row is there unless the tensor is empty: it begins at max(s0 - 1, 0).
// CHECK: extent.derived 1 = max
// CHECK: access.read %{{.*}} at <(d0)[s0, s1] -> (d0 + s1)>
func.func @last_rows(%x: tensor<?xf32>) -> !graph.any {
  %y = graph.node "Slice" version 9 (%x) -> ["y"] with {starts = array<i64: -1>, ends = array<i64: 9223372036854775807>} : (tensor<?xf32>) -> !graph.any
  return %y : !graph.any
}

// -----

// CHECK-LABEL: func.func @pad
// CHECK: access.read %{{.*}} at <(d0) -> (d0 - 1), valid (d0) -> (d0 - 1) below (d0) -> (4)> fill 2.500000e+00 : f32 : tensor<4xf32> -> tensor<7xf32>
func.func @pad(%x: tensor<4xf32>) -> !graph.any {
  %pads = graph.constant dense<[1, 2]> : tensor<2xi64>
  %value = graph.constant dense<2.5> : tensor<f32>
  %y = graph.node "Pad" version 13 (%x, %pads, %value) -> ["y"] : (tensor<4xf32>, tensor<2xi64>, tensor<f32>) -> !graph.any
  return %y : !graph.any
}

// -----

// A dimension that only loses elements has no condition.
// CHECK-LABEL: func.func @crop
// CHECK: access.read %{{.*}} at <(d0) -> (d0 + 1)> : tensor<4xf32> -> tensor<2xf32>
func.func @crop(%x: tensor<4xf32>) -> !graph.any {
  %y = graph.node "Pad" version 2 (%x) -> ["y"] with {pads = array<i64: -1, -1>} : (tensor<4xf32>) -> !graph.any
  return %y : !graph.any
}

// -----

// CHECK-LABEL: func.func @tile
// CHECK: access.read %{{.*}} at <(d0, d1) -> (d0 mod 2, d1)> : tensor<2x3xf32> -> tensor<4x3xf32>
func.func @tile(%x: tensor<2x3xf32>) -> !graph.any {
  %r = graph.constant dense<[2, 1]> : tensor<2xi64>
  %y = graph.node "Tile" version 13 (%x, %r) -> ["y"] : (tensor<2x3xf32>, tensor<2xi64>) -> !graph.any
  return %y : !graph.any
}

// -----

// CHECK-LABEL: func.func @space_to_depth_and_back
// CHECK: access.read %{{.*}} at <(d0, d1, d2, d3) -> (d0, d1 mod 3, d2 * 2 + (d1 floordiv 3) floordiv 2, d3 * 2 + (d1 floordiv 3) mod 2)>
// CHECK: access.read %{{.*}} at <(d0, d1, d2, d3) -> (d0, ((d2 mod 2) * 2 + d3 mod 2) * 3 + d1, d2 floordiv 2, d3 floordiv 2)>
func.func @space_to_depth_and_back(%x: tensor<1x3x4x4xf32>) -> !graph.any {
  %s = graph.node "SpaceToDepth" version 13 (%x) -> ["s"] with {blocksize = 2 : i64} : (tensor<1x3x4x4xf32>) -> !graph.any
  %y = graph.node "DepthToSpace" version 13 (%s) -> ["y"] with {blocksize = 2 : i64} : (!graph.any) -> !graph.any
  return %y : !graph.any
}

// -----

// Pieces of a split; version 18 makes the last one smaller.
// CHECK-LABEL: func.func @split
// CHECK: access.read %{{.*}} at <(d0) -> (d0)> : tensor<5xf32> -> tensor<3xf32>
// CHECK: access.read %{{.*}} at <(d0) -> (d0 + 3)> : tensor<5xf32> -> tensor<2xf32>
func.func @split(%x: tensor<5xf32>) -> (!graph.any, !graph.any) {
  %a, %b = graph.node "Split" version 18 (%x) -> ["a", "b"] with {num_outputs = 2 : i64} : (tensor<5xf32>) -> (!graph.any, !graph.any)
  return %a, %b : !graph.any, !graph.any
}

// -----

// CHECK-LABEL: func.func @concat
// CHECK: access.concat %{{.*}}, %{{.*}} axis 1 : (tensor<2x3xf32>, tensor<2x5xf32>) -> tensor<2x8xf32>
func.func @concat(%x: tensor<2x3xf32>, %y: tensor<2x5xf32>, %empty: tensor<2x0xf32>) -> !graph.any {
  %z = graph.node "Concat" version 13 (%x, %empty, %y) -> ["z"] with {axis = -1 : i64} : (tensor<2x3xf32>, tensor<2x0xf32>, tensor<2x5xf32>) -> !graph.any
  return %z : !graph.any
}
