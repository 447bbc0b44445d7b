// RUN: lt-opt --lt-select-schedules --lt-verify-schedules -split-input-file %s | FileCheck %s
// RUN: lt-opt --lt-select-schedules=naive=true -split-input-file %s | FileCheck %s --check-prefix=NAIVE

// A contraction's register tile fits the registers: 16 columns of one vector leave room for 8 rows.
// CHECK-LABEL: func.func @narrow
// CHECK: compute.fused contraction
// CHECK-SAME: schedule = #kernel.schedule<lanes = 16, rows = 8, vectors = 1
// NAIVE: schedule = #kernel.schedule<lanes = 1, rows = 1, vectors = 1
module attributes {kernel.target = #kernel.target<"x86-64-v4", vector_bytes = 64, registers = 32, masks = true, l1 = 32768, l2 = 1048576>} {
  func.func @narrow(%x: tensor<64x32xf32>, %w: tensor<32x16xf32>) -> tensor<64x16xf32> {
    %r = compute.fused contraction (%x, %w) : (tensor<64x32xf32>, tensor<32x16xf32>) -> tensor<64x16xf32> {
    ^bb0(%a: tensor<64x32xf32>, %b: tensor<32x16xf32>):
      %s = compute.contract %a at #access.map<(d0, d1, d2) -> (d0, d2)>, %b at #access.map<(d0, d1, d2) -> (d2, d1)>
          over affine_map<() -> (32)> : tensor<64x32xf32>, tensor<32x16xf32> -> tensor<64x16xf32>
      compute.yield %s : tensor<64x16xf32>
    }
    return %r : tensor<64x16xf32>
  }
}

// -----

// Vectors are as wide as the widest element: 8 lanes of i64 in 64 bytes.
// CHECK-LABEL: func.func @wide_elements
// CHECK: compute.fused pointwise
// CHECK-SAME: lanes = 8
module attributes {kernel.target = #kernel.target<"x86-64-v4", vector_bytes = 64, registers = 32, masks = true, l1 = 32768, l2 = 1048576>} {
  func.func @wide_elements(%x: tensor<100xi64>) -> tensor<100xi64> {
    %r = compute.fused pointwise (%x) : (tensor<100xi64>) -> tensor<100xi64> {
    ^bb0(%a: tensor<100xi64>):
      %m = compute.map (%a at #access.map<(d0) -> (d0)>) : (tensor<100xi64>) -> tensor<100xi64> {
      ^bb0(%q: i64):
        %z = arith.addi %q, %q : i64
        compute.yield %z : i64
      }
      compute.yield %m : tensor<100xi64>
    }
    return %r : tensor<100xi64>
  }
}

// -----

// The same group on a machine of 16 registers of 32 bytes has a smaller tile.
// CHECK-LABEL: func.func @narrow_v3
// CHECK: lanes = 8, rows = 6, vectors = 2
module attributes {kernel.target = #kernel.target<"x86-64-v3", vector_bytes = 32, registers = 16, masks = false, l1 = 32768, l2 = 524288>} {
  func.func @narrow_v3(%x: tensor<60x32xf32>, %w: tensor<32x16xf32>) -> tensor<60x16xf32> {
    %r = compute.fused contraction (%x, %w) : (tensor<60x32xf32>, tensor<32x16xf32>) -> tensor<60x16xf32> {
    ^bb0(%a: tensor<60x32xf32>, %b: tensor<32x16xf32>):
      %s = compute.contract %a at #access.map<(d0, d1, d2) -> (d0, d2)>, %b at #access.map<(d0, d1, d2) -> (d2, d1)>
          over affine_map<() -> (32)> : tensor<60x32xf32>, tensor<32x16xf32> -> tensor<60x16xf32>
      compute.yield %s : tensor<60x16xf32>
    }
    return %r : tensor<60x16xf32>
  }
}

// -----

// Few rows, of a batch that only the run tells: threads share the columns, in as many tiles each.
// CHECK-LABEL: func.func @few_rows
// CHECK: #kernel.schedule<lanes = 16, rows = 8, vectors = 3, unroll = 4, grain = 4, panels = 1, depth = 0>
module attributes {kernel.target = #kernel.target<"x86-64-v4", vector_bytes = 64, registers = 32, masks = true, l1 = 32768, l2 = 1048576>} {
  func.func @few_rows(%x: tensor<?x25x80xf32, #extent.shape<()[s0] -> (s0, 25, 80)>>, %w: tensor<80x480xf32>) -> tensor<?x25x480xf32, #extent.shape<()[s0] -> (s0, 25, 480)>> {
    %r = compute.fused contraction (%x, %w) : (tensor<?x25x80xf32, #extent.shape<()[s0] -> (s0, 25, 80)>>, tensor<80x480xf32>) -> tensor<?x25x480xf32, #extent.shape<()[s0] -> (s0, 25, 480)>> {
    ^bb0(%a: tensor<?x25x80xf32, #extent.shape<()[s0] -> (s0, 25, 80)>>, %b: tensor<80x480xf32>):
      %c = compute.contract %a at #access.map<(d0, d1, d2, d3) -> (d0, d1, d3)>, %b at #access.map<(d0, d1, d2, d3) -> (d3, d2)> over affine_map<() -> (80)> : tensor<?x25x80xf32, #extent.shape<()[s0] -> (s0, 25, 80)>>, tensor<80x480xf32> -> tensor<?x25x480xf32, #extent.shape<()[s0] -> (s0, 25, 480)>>
      compute.yield %c : tensor<?x25x480xf32, #extent.shape<()[s0] -> (s0, 25, 480)>>
    }
    return %r : tensor<?x25x480xf32, #extent.shape<()[s0] -> (s0, 25, 480)>>
  }
}
