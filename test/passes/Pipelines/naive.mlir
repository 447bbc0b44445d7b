// Without fusion each operation is a group of its own and schedules are scalar.
// RUN: lt-opt %s -pass-pipeline="builtin.module(lt-phase-graph,lt-phase-expand,lt-phase-compose,func.func(lt-form-groups{fuse=false},lt-choose-layouts,lt-select-schedules{naive=true},lt-verify-schedules))" | FileCheck %s

module attributes {kernel.target = #kernel.target<"x86-64-v3", vector_bytes = 32, registers = 16,
                   masks = false, l1 = 32768, l2 = 524288>} {
  // CHECK-LABEL: func.func @main
  // CHECK-COUNT-2: compute.fused {{.*}}schedule = #kernel.schedule<lanes = 1,
  // CHECK-NOT: compute.fused
  func.func @main(%x: tensor<4x32xf32> {graph.name = "x"}) -> (!graph.any {graph.name = "y"}) {
    %w = graph.constant named "w" dense<0.5> : tensor<32x16xf32>
    %p = graph.node "MatMul" version 13 (%x, %w) -> ["p"]
        : (tensor<4x32xf32>, tensor<32x16xf32>) -> !graph.any
    %y = graph.node "Relu" version 14 (%p) -> ["y"] : (!graph.any) -> !graph.any
    return %y : !graph.any
  }
}
