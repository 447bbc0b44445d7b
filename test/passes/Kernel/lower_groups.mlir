// RUN: lt-opt --lt-select-schedules --lt-lower-groups %s | FileCheck %s

// Two layers that differ in a symbolic size only share one kernel; what a tile takes and the size are
// its parameters.
// CHECK-DAG: #[[$A:.*]] = affine_map<()[s0] -> ({{.*}}, s0)>
// CHECK-DAG: #[[$B:.*]] = affine_map<()[s0] -> ({{.*}}, s0 * 2)>
// CHECK-LABEL: func.func @main
// CHECK: kernel.dispatch @[[K:.*]](%{{.*}}) params #[[$A]]
// CHECK: kernel.dispatch @[[K]](%{{.*}}) params #[[$B]]
// CHECK: func.func @[[K]](%[[IN:.*]]: !kernel.buffer<f32>, %[[OUT:.*]]: !kernel.buffer<f32>, %[[CHUNK:.*]]: index, %[[N:.*]]: index, %[[TILE:.*]]: index)
// CHECK-SAME: kernel.buffers = 2
// CHECK: scf.for
// CHECK: %[[V:.*]] = kernel.load %[[IN]]{{.*}} -> vector<16xf32>
// CHECK: %[[R:.*]] = arith.addf %[[V]], %[[V]] : vector<16xf32>
// CHECK: kernel.store %[[R]], %[[OUT]]
// The tail is masked.
// CHECK: %[[MASK:.*]] = vector.create_mask
// CHECK: kernel.load %[[IN]]{{.*}} mask %[[MASK]]
// CHECK-NOT: func.func
module attributes {kernel.target = #kernel.target<"x86-64-v4", vector_bytes = 64, registers = 32, masks = true, l1 = 32768, l2 = 1048576>} {
  func.func @main(%x: tensor<?xf32, #extent.shape<()[s0] -> (s0)>>, %y: tensor<?xf32, #extent.shape<()[s0] -> (s0 * 2)>>)
      -> (tensor<?xf32, #extent.shape<()[s0] -> (s0)>>, tensor<?xf32, #extent.shape<()[s0] -> (s0 * 2)>>) {
    extent.symbol 0 "n" = input 0 dim 0 min 1
    %a = compute.fused pointwise (%x) : (tensor<?xf32, #extent.shape<()[s0] -> (s0)>>) -> tensor<?xf32, #extent.shape<()[s0] -> (s0)>> {
    ^bb0(%i: tensor<?xf32, #extent.shape<()[s0] -> (s0)>>):
      %m = compute.map (%i at #access.map<(d0) -> (d0)>) : (tensor<?xf32, #extent.shape<()[s0] -> (s0)>>) -> tensor<?xf32, #extent.shape<()[s0] -> (s0)>> {
      ^bb0(%q: f32):
        %z = arith.addf %q, %q : f32
        compute.yield %z : f32
      }
      compute.yield %m : tensor<?xf32, #extent.shape<()[s0] -> (s0)>>
    }
    %b = compute.fused pointwise (%y) : (tensor<?xf32, #extent.shape<()[s0] -> (s0 * 2)>>) -> tensor<?xf32, #extent.shape<()[s0] -> (s0 * 2)>> {
    ^bb0(%i: tensor<?xf32, #extent.shape<()[s0] -> (s0 * 2)>>):
      %m = compute.map (%i at #access.map<(d0) -> (d0)>) : (tensor<?xf32, #extent.shape<()[s0] -> (s0 * 2)>>) -> tensor<?xf32, #extent.shape<()[s0] -> (s0 * 2)>> {
      ^bb0(%q: f32):
        %z = arith.addf %q, %q : f32
        compute.yield %z : f32
      }
      compute.yield %m : tensor<?xf32, #extent.shape<()[s0] -> (s0 * 2)>>
    }
    return %a, %b : tensor<?xf32, #extent.shape<()[s0] -> (s0)>>, tensor<?xf32, #extent.shape<()[s0] -> (s0 * 2)>>
  }
}
