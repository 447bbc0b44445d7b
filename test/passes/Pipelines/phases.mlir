// Each phase's pipeline by its name, one after another: a model's nodes become kernels.
// RUN: lt-opt %s -lt-phase-graph -lt-phase-expand | FileCheck %s --check-prefix=EXPAND
// RUN: lt-opt %s -lt-phase-graph -lt-phase-expand -lt-phase-compose -lt-phase-fuse \
// RUN:   | FileCheck %s --check-prefix=FUSE
// RUN: lt-opt %s -lt-phase-graph -lt-phase-expand -lt-phase-compose -lt-phase-fuse \
// RUN:   -lt-phase-layout -lt-phase-constants -lt-phase-schedule | FileCheck %s --check-prefix=SCHEDULE
// RUN: lt-opt %s -lt-phase-graph -lt-phase-expand -lt-phase-compose -lt-phase-fuse \
// RUN:   -lt-phase-layout -lt-phase-schedule -lt-phase-kernel | FileCheck %s --check-prefix=KERNEL

module attributes {kernel.target = #kernel.target<"x86-64-v3", vector_bytes = 32, registers = 16,
                   masks = false, l1 = 32768, l2 = 524288>} {
  // EXPAND-LABEL: func.func @main
  // EXPAND-NOT: graph.node
  // EXPAND: compute.contract
  // FUSE: compute.fused contraction
  // FUSE-NOT: compute.fused
  // FUSE: return
  // SCHEDULE: call @constants_0
  // SCHEDULE: compute.fused contraction
  // SCHEDULE-SAME: schedule = #kernel.schedule<lanes = 8
  // KERNEL: %[[PACKED:.*]] = kernel.dispatch @[[PACK:.*]](%{{.*}})
  // KERNEL: kernel.dispatch @[[GEMM:.*]](
  // KERNEL-NOT: compute.fused
  // KERNEL: func.func @{{.*}} attributes {kernel.buffers
  func.func @main(%x: tensor<?x32xf32> {graph.name = "x", graph.dim_names = ["n", ""]})
      -> (!graph.any {graph.name = "y"}) {
    %w = graph.constant named "w" dense<0.5> : tensor<32x16xf32>
    %p = graph.node "MatMul" version 13 named "product" (%x, %w) -> ["p"]
        : (tensor<?x32xf32>, tensor<32x16xf32>) -> !graph.any
    %y = graph.node "Relu" version 14 named "relu" (%p) -> ["y"] : (!graph.any) -> !graph.any
    return %y : !graph.any
  }
}
