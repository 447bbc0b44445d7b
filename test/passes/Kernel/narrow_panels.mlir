// RUN: lt-opt --lt-select-schedules --lt-lower-groups -split-input-file %s | FileCheck %s

// 72 columns are a panel of four vectors and one of one: the last panel's code adds to one vector
// for each row.
// CHECK-LABEL: func.func @k0
// CHECK: scf.for {{.*}} iter_args({{.*}}) -> (vector<16xf32>, vector<16xf32>
// CHECK: arith.cmpi sgt
// CHECK: scf.if
// CHECK: scf.for {{.*}} iter_args({{.*}}) -> (vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>) {
module attributes {kernel.target = #kernel.target<"x86-64-v4", vector_bytes = 64, registers = 32, masks = true, l1 = 32768, l2 = 1048576>} {
  func.func @rest(%x: tensor<60x100xf32>, %w: tensor<100x72xf32>) -> tensor<60x72xf32> {
    %r = compute.fused contraction (%x, %w) {schedule = #kernel.schedule<lanes = 16, rows = 6, vectors = 4, unroll = 4, grain = 10, panels = 1, depth = 0>} : (tensor<60x100xf32>, tensor<100x72xf32>) -> tensor<60x72xf32> {
    ^bb0(%a: tensor<60x100xf32>, %b: tensor<100x72xf32>):
      %s = compute.contract %a at #access.map<(d0, d1, d2) -> (d0, d2)>, %b at #access.map<(d0, d1, d2) -> (d2, d1)>
          over affine_map<() -> (100)> : tensor<60x100xf32>, tensor<100x72xf32> -> tensor<60x72xf32>
      compute.yield %s : tensor<60x72xf32>
    }
    return %r : tensor<60x72xf32>
  }
}

// -----

// Columns that are not known: a panel of few takes half of the vectors.
// CHECK-LABEL: func.func @k0
// CHECK: %[[FEW:.*]] = arith.cmpi sle, %{{.*}}, %c32
// CHECK: scf.if %[[FEW]]
module attributes {kernel.target = #kernel.target<"x86-64-v4", vector_bytes = 64, registers = 32, masks = true, l1 = 32768, l2 = 1048576>} {
  func.func @unknown(%x: tensor<60x100xf32>, %w: tensor<100x?xf32, #extent.shape<()[s0] -> (100, s0)>>) -> tensor<60x?xf32, #extent.shape<()[s0] -> (60, s0)>> {
    extent.symbol 0 "n" = input 1 dim 1
    %r = compute.fused contraction (%x, %w) {schedule = #kernel.schedule<lanes = 16, rows = 6, vectors = 4, unroll = 4, grain = 10, panels = 1, depth = 0>} : (tensor<60x100xf32>, tensor<100x?xf32, #extent.shape<()[s0] -> (100, s0)>>) -> tensor<60x?xf32, #extent.shape<()[s0] -> (60, s0)>> {
    ^bb0(%a: tensor<60x100xf32>, %b: tensor<100x?xf32, #extent.shape<()[s0] -> (100, s0)>>):
      %s = compute.contract %a at #access.map<(d0, d1, d2) -> (d0, d2)>, %b at #access.map<(d0, d1, d2) -> (d2, d1)>
          over affine_map<() -> (100)> : tensor<60x100xf32>, tensor<100x?xf32, #extent.shape<()[s0] -> (100, s0)>> -> tensor<60x?xf32, #extent.shape<()[s0] -> (60, s0)>>
      compute.yield %s : tensor<60x?xf32, #extent.shape<()[s0] -> (60, s0)>>
    }
    return %r : tensor<60x?xf32, #extent.shape<()[s0] -> (60, s0)>>
  }
}
