// RUN: lt-opt %s | lt-opt | FileCheck %s
// RUN: lt-opt %s -mlir-print-op-generic | lt-opt | FileCheck %s

// CHECK: module attributes {graph.ir_version = 9 : i64, graph.metadata = {author = "somebody"}, graph.opsets = {ai.onnx = 13 : i64}, graph.producer = "maker 1.0", graph.source = "model.onnx"}
module attributes {graph.ir_version = 9 : i64, graph.metadata = {author = "somebody"},
                   graph.opsets = {ai.onnx = 13 : i64}, graph.producer = "maker 1.0",
                   graph.source = "model.onnx"} {

// CHECK-LABEL: func.func @main
// CHECK-SAME: (%[[X:.*]]: tensor<?x3xf32> {graph.dim_names = ["batch", ""], graph.name = "x"}, %[[C:.*]]: tensor<i1>)
// CHECK-SAME: -> (!graph.any {graph.declared_type = tensor<?x3xf32>, graph.name = "z"}) attributes {graph.name = "net"}
func.func @main(%x: tensor<?x3xf32> {graph.dim_names = ["batch", ""], graph.name = "x"},
                %c: tensor<i1>)
    -> (!graph.any {graph.declared_type = tensor<?x3xf32>, graph.name = "z"})
    attributes {graph.name = "net"} {
  // CHECK: %[[W:.*]] = graph.constant named "w" dense<[1.000000e+00, 2.000000e+00]> : tensor<2xf32>
  %w = graph.constant named "w" dense<[1.0, 2.0]> : tensor<2xf32>
  // CHECK: graph.constant dense<["a", "b\00"]> : tensor<2x!graph.string>
  %s = graph.constant dense<["a", "b\00"]> : tensor<2x!graph.string>
  // CHECK: %[[NONE:.*]] = graph.none
  %none = graph.none
  // CHECK: %[[Y:.*]]:2 = graph.node "Dropout" version 13 named "drop"(%[[X]], %[[W]], %[[NONE]]) -> ["y", ""]
  // CHECK-SAME: declared [tensor<?xf32>, none] with {"0 odd" = [1], seed = 1 : i64}
  // CHECK-SAME: : (tensor<?x3xf32>, tensor<2xf32>, none) -> (!graph.any, none)
  %y:2 = graph.node "Dropout" version 13 named "drop" (%x, %w, %none) -> ["y", ""]
      declared [tensor<?xf32>, none] with {"0 odd" = [1 : i64], seed = 1 : i64}
      : (tensor<?x3xf32>, tensor<2xf32>, none) -> (!graph.any, none)
  // CHECK: %[[Z:.*]] = graph.node "If" version 13(%[[C]]) -> ["z"] regions ["then_branch", "else_branch"] {{\[\[\], \[\]\]}} : (tensor<i1>) -> !graph.any {
  // CHECK-NEXT: graph.yield %[[Y]]#0 ["t"] : !graph.any
  // CHECK-NEXT: }, {
  // CHECK-NEXT: graph.yield %[[X]] ["e"] declared [tensor<?x3xf32>] : tensor<?x3xf32>
  // CHECK-NEXT: }
  %z = graph.node "If" version 13 (%c) -> ["z"] regions ["then_branch", "else_branch"] [[], []]
      : (tensor<i1>) -> !graph.any {
    graph.yield %y#0 ["t"] : !graph.any
  }, {
    graph.yield %x ["e"] declared [tensor<?x3xf32>] : tensor<?x3xf32>
  }
  // CHECK: graph.node "Walk" domain "my.domain" version 1() -> [] regions ["body"] {{\[}}["i", "v"]] declared {{\[}}[tensor<i64>, none]] : () -> () {
  // CHECK-NEXT: ^bb0(%{{.*}}: !graph.any, %{{.*}}: !graph.any):
  // CHECK-NEXT: graph.yield []
  graph.node "Walk" domain "my.domain" version 1 () -> []
      regions ["body"] [["i", "v"]] declared [[tensor<i64>, none]] : () -> () {
  ^bb0(%i: !graph.any, %v: !graph.any):
    graph.yield []
  }
  return %z : !graph.any
}

// CHECK-LABEL: func.func @types
// CHECK-SAME: !graph.sequence<tensor<?xf32>>
// CHECK-SAME: !graph.optional<!graph.sequence<tensor<*xi8>>>
// CHECK-SAME: !graph.map<!graph.string, tensor<f32>>
func.func @types(%a: !graph.sequence<tensor<?xf32>>,
                 %b: !graph.optional<!graph.sequence<tensor<*xi8>>>,
                 %c: !graph.map<!graph.string, tensor<f32>>) {
  return
}
}
