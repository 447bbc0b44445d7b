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

// -----

// Internal operators of the language are inferred with the caller's sizes.
// CHECK-LABEL: func @top
// CHECK: graph.node "TopElements" {{.*}} : (tensor<6xf32>) -> (tensor<3xf32>, tensor<3xi64>)
func.func @top(%x: tensor<6xf32>) -> !graph.any {
  %y = graph.node "Call" domain "longtail.language" version 1 (%x) -> ["y"] with {module = "func.func @main(%x: tensor<?xf32, #extent.shape<()[s0] -> (s0)>>) -> tensor<?xf32, #extent.shape<()[s0] -> (s0 floordiv 2)>> { extent.symbol 0 \22n\22 = input 0 dim 0 \0A %v, %i = graph.node \22TopElements\22 domain \22longtail\22 version 1 (%x) -> [\22v\22, \22i\22] with {axis = 0 : i64, count = affine_map<()[s0] -> (s0 floordiv 2)>, largest = 1 : i64} : (tensor<?xf32, #extent.shape<()[s0] -> (s0)>>) -> (tensor<?xf32, #extent.shape<()[s0] -> (s0 floordiv 2)>>, tensor<?xi64, #extent.shape<()[s0] -> (s0 floordiv 2)>>) \0A return %v : tensor<?xf32, #extent.shape<()[s0] -> (s0 floordiv 2)>> }"} : (tensor<6xf32>) -> !graph.any
  return %y : !graph.any
}

// -----

func.func @too_many(%x: tensor<6xf32>) -> !graph.any {
  // expected-error @below {{8 of 6 elements are wanted}}
  %y = graph.node "Call" domain "longtail.language" version 1 (%x) -> ["y"] with {module = "func.func @main(%x: tensor<6xf32>) -> tensor<8xf32> { %v, %i = graph.node \22TopElements\22 domain \22longtail\22 version 1 (%x) -> [\22v\22, \22i\22] with {axis = 0 : i64, count = affine_map<() -> (8)>} : (tensor<6xf32>) -> (tensor<8xf32>, tensor<8xi64>) \0A return %v : tensor<8xf32> }"} : (tensor<6xf32>) -> !graph.any
  return %y : !graph.any
}

// -----

func.func @other_types(%x: tensor<6xf32>) -> !graph.any {
  // expected-error @below {{the operator's IR has a node 'TopElements' with results of other types}}
  %y = graph.node "Call" domain "longtail.language" version 1 (%x) -> ["y"] with {module = "func.func @main(%x: tensor<6xf32>) -> tensor<6xi32> { %v, %i = graph.node \22TopElements\22 domain \22longtail\22 version 1 (%x) -> [\22v\22, \22i\22] with {axis = 0 : i64, count = affine_map<() -> (6)>} : (tensor<6xf32>) -> (tensor<6xi32>, tensor<6xi64>) \0A return %v : tensor<6xi32> }"} : (tensor<6xf32>) -> !graph.any
  return %y : !graph.any
}

// -----

func.func @foreign_node(%x: tensor<6xf32>) -> !graph.any {
  // expected-error @below {{the operator's IR has a node 'Relu', which the operator language does not make}}
  %y = graph.node "Call" domain "longtail.language" version 1 (%x) -> ["y"] with {module = "func.func @main(%x: tensor<6xf32>) -> tensor<6xf32> { %v = graph.node \22Relu\22 version 13 (%x) -> [\22v\22] : (tensor<6xf32>) -> tensor<6xf32> \0A return %v : tensor<6xf32> }"} : (tensor<6xf32>) -> !graph.any
  return %y : !graph.any
}
