// RUN: lt-opt %s --lt-infer-shapes --split-input-file --verify-diagnostics | FileCheck %s

// The operator's IR takes the node's place, with the caller's sizes: symbols become constants.
// CHECK-LABEL: func @static
// CHECK-NOT: graph.node
// CHECK: %[[Y:.*]] = access.read %{{.*}} at <(d0) -> (d0 * 2)> : tensor<6xf32> -> tensor<3xf32>
// CHECK: return %[[Y]] : tensor<3xf32>
func.func @static(%x: tensor<6xf32>) -> !graph.any {
  %y = graph.node "Call" domain "longtail.language" version 1 (%x) -> ["y"] with {module = "func.func @main(%x: tensor<?xf32, #extent.shape<()[s0] -> (s0)>>) -> tensor<?xf32, #extent.shape<()[s0] -> (s0 floordiv 2)>> { extent.symbol 0 \22n\22 = input 0 dim 0 \0A %y = access.read %x at <(d0) -> (d0 * 2)> : tensor<?xf32, #extent.shape<()[s0] -> (s0)>> -> tensor<?xf32, #extent.shape<()[s0] -> (s0 floordiv 2)>> \0A return %y : tensor<?xf32, #extent.shape<()[s0] -> (s0 floordiv 2)>> }"} : (tensor<6xf32>) -> !graph.any
  return %y : !graph.any
}

// -----

func.func @undefined(%x: tensor<6xf32>) -> !graph.any {
  // expected-error @below {{the operator's IR has sizes that it does not define}}
  %y = graph.node "Call" domain "longtail.language" version 1 (%x) -> ["y"] with {module = "func.func @main(%x: tensor<?xf32, #extent.shape<()[s0] -> (s0)>>) -> tensor<?xf32, #extent.shape<()[s0] -> (s0)>> { return %x : tensor<?xf32, #extent.shape<()[s0] -> (s0)>> }"} : (tensor<6xf32>) -> !graph.any
  return %y : !graph.any
}

// -----

func.func @unknown(%x: tensor<6xf32>) -> !graph.any {
  // expected-error @below {{attribute 'module' is no operator's IR}}
  %y = graph.node "Call" domain "longtail.language" version 1 (%x) -> ["y"] with {module = "module {}"} : (tensor<6xf32>) -> !graph.any
  return %y : !graph.any
}
