// RUN: lt-opt %s --split-input-file --lt-infer-shapes --lt-expand | FileCheck %s
// RUN: lt-opt %s --split-input-file --lt-infer-shapes --lt-infer-shapes --lt-expand | FileCheck %s

// A size that depends on data: a node of its own counts in blocks, the count is read, and the
// blocks write.
// CHECK-LABEL: func.func @nonzero
// CHECK: %[[COUNTS:.*]] = compute.grid over #{{.*}} : tensor<?xi64
// CHECK: %[[STARTS:.*]] = compute.grid over #{{.*}} : tensor<?xi64
// CHECK: access.load %[[COUNTS]]
// CHECK: extent.bind [[N:[0-9]+]] = %[[STARTS]][0]
// CHECK-NOT: extent.bind
// CHECK: compute.grid over #{{.*}} : tensor<2x?xi64
// CHECK: access.load %[[STARTS]]
func.func @nonzero(%x: tensor<?x5xf32>) -> !graph.any {
  %y = graph.node "NonZero" version 13 (%x) -> ["y"] : (tensor<?x5xf32>) -> !graph.any
  return %y : !graph.any
}

// -----

// Updates are in memory; each line along the axis has a point.
// CHECK: #[[$LINES:.*]] = affine_map<() -> (3, 5)>
// CHECK-LABEL: func.func @scatter
// CHECK: compute.grid over #[[$LINES]] : tensor<3x4x5xf32>
// CHECK: compute.require %{{.*}}, index
func.func @scatter(%x: tensor<3x4x5xf32>, %i: tensor<3x2x5xi64>, %u: tensor<3x2x5xf32>) -> !graph.any {
  %y = graph.node "ScatterElements" version 18 (%x, %i, %u) -> ["y"] with {axis = 1 : i64, reduction = "max"} : (tensor<3x4x5xf32>, tensor<3x2x5xi64>, tensor<3x2x5xf32>) -> !graph.any
  return %y : !graph.any
}

// -----

// CHECK-LABEL: func.func @top
// CHECK: extent.bind 0 = %{{.*}}[0]
// CHECK: extent.check
// CHECK: compute.grid over {{.*}} : tensor<4x?x1xf16, {{.*}}>, tensor<4x?x1xi64, {{.*}}> {
// CHECK: access.local : !access.place<tensor<?xf32
// CHECK: access.local : !access.place<tensor<?xi64
func.func @top(%x: tensor<4x9xf16>, %k: tensor<1xi64>) -> (!graph.any, !graph.any) {
  %v, %i = graph.node "TopK" version 11 (%x, %k) -> ["v", "i"] : (tensor<4x9xf16>, tensor<1xi64>) -> (!graph.any, !graph.any)
  return %v, %i : !graph.any, !graph.any
}

// -----

// What is a map stays one.
// CHECK-LABEL: func.func @reverse
// CHECK-NOT: compute.grid
// CHECK: compute.map
func.func @reverse(%x: tensor<4x3xf32>, %n: tensor<3xi64>) -> !graph.any {
  %y = graph.node "ReverseSequence" version 10 (%x, %n) -> ["y"] : (tensor<4x3xf32>, tensor<3xi64>) -> !graph.any
  return %y : !graph.any
}

// -----

// CHECK-LABEL: func.func @col2im
// CHECK-NOT: compute.grid
// CHECK: compute.reduce add
func.func @col2im(%x: tensor<1x12x20xf32>) -> !graph.any {
  %image = graph.constant dense<5> : tensor<2xi64>
  %block = graph.constant dense<[1, 2]> : tensor<2xi64>
  %y = graph.node "Col2Im" version 18 (%x, %image, %block) -> ["y"] : (tensor<1x12x20xf32>, tensor<2xi64>, tensor<2xi64>) -> !graph.any
  return %y : !graph.any
}
