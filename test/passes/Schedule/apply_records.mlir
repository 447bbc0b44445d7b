// RUN: lt-opt --lt-apply-records --lt-select-schedules -split-input-file -verify-diagnostics %s | FileCheck %s

// A group is found by its key, whatever the names and numbers of its symbols are. The key is that of
// files which exist: if it changes, all records are lost.
// CHECK-LABEL: func.func @found
// CHECK: compute.fused pointwise
// CHECK-SAME: kernel.tuned
// CHECK-SAME: schedule = #kernel.schedule<lanes = 32, rows = 1, vectors = 1, unroll = 1, grain = 4096, panels = 1, depth = 0>
#target = #kernel.target<"x86-64-v4", vector_bytes = 64, registers = 32, masks = true, l1 = 32768, l2 = 1048576>
module attributes {kernel.target = #target, kernel.records = {
    "f384cd38478700aa3ac2bb2df235039e351d1f71|s0x64,s0x64" = "#kernel.schedule<lanes = 32, rows = 1, vectors = 1, unroll = 1, grain = 4096, panels = 1, depth = 0>"}} {
  func.func @found(%x: tensor<?x64xf32, #extent.shape<()[s0, s1, s2, s3] -> (s3, 64)>>) -> tensor<?x64xf32, #extent.shape<()[s0, s1, s2, s3] -> (s3, 64)>> {
    %r = compute.fused pointwise (%x) {label = "any"} : (tensor<?x64xf32, #extent.shape<()[s0, s1, s2, s3] -> (s3, 64)>>) -> tensor<?x64xf32, #extent.shape<()[s0, s1, s2, s3] -> (s3, 64)>> {
    ^bb0(%a: tensor<?x64xf32, #extent.shape<()[s0, s1, s2, s3] -> (s3, 64)>>):
      %m = compute.map (%a at #access.map<(d0, d1) -> (d0, d1)>) : (tensor<?x64xf32, #extent.shape<()[s0, s1, s2, s3] -> (s3, 64)>>) -> tensor<?x64xf32, #extent.shape<()[s0, s1, s2, s3] -> (s3, 64)>> {
      ^bb0(%q: f32):
        %z = arith.addf %q, %q : f32
        compute.yield %z : f32
      }
      compute.yield %m : tensor<?x64xf32, #extent.shape<()[s0, s1, s2, s3] -> (s3, 64)>>
    }
    return %r : tensor<?x64xf32, #extent.shape<()[s0, s1, s2, s3] -> (s3, 64)>>
  }
}

// -----

// Another size is another group; a group that has a schedule keeps it.
// CHECK-LABEL: func.func @not_found
// CHECK-NOT: kernel.tuned
// CHECK: lanes = 16
// CHECK: lanes = 8
#target = #kernel.target<"x86-64-v4", vector_bytes = 64, registers = 32, masks = true, l1 = 32768, l2 = 1048576>
module attributes {kernel.target = #target, kernel.records = {
    "9c5098be99878a3381eb467e16c0216c5df44da4|64,64" = "#kernel.schedule<lanes = 32, rows = 1, vectors = 1, unroll = 1, grain = 4096, panels = 1, depth = 0>"}} {
  func.func @not_found(%x: tensor<65xf32>, %y: tensor<64xf32>) -> (tensor<65xf32>, tensor<64xf32>) {
    %r = compute.fused pointwise (%x) : (tensor<65xf32>) -> tensor<65xf32> {
    ^bb0(%a: tensor<65xf32>):
      %m = compute.map (%a at #access.map<(d0) -> (d0)>) : (tensor<65xf32>) -> tensor<65xf32> {
      ^bb0(%q: f32):
        %z = arith.addf %q, %q : f32
        compute.yield %z : f32
      }
      compute.yield %m : tensor<65xf32>
    }
    %s = compute.fused pointwise (%y) {schedule = #kernel.schedule<lanes = 8, rows = 1, vectors = 1, unroll = 1, grain = 1, panels = 1, depth = 0>} : (tensor<64xf32>) -> tensor<64xf32> {
    ^bb0(%a: tensor<64xf32>):
      %m = compute.map (%a at #access.map<(d0) -> (d0)>) : (tensor<64xf32>) -> tensor<64xf32> {
      ^bb0(%q: f32):
        %z = arith.addf %q, %q : f32
        compute.yield %z : f32
      }
      compute.yield %m : tensor<64xf32>
    }
    return %r, %s : tensor<65xf32>, tensor<64xf32>
  }
}

// -----

// A schedule that does not verify is ignored, with one warning.
// expected-warning @unknown {{1 tuning record is ignored: #kernel.schedule<lanes = 3, rows = 1, vectors = 1, unroll = 1, grain = 1, panels = 1, depth = 0> 'lanes' must be a power of two of at most 512, got 3}}
// CHECK-LABEL: func.func @ignored
// CHECK-NOT: kernel.tuned
// CHECK: lanes = 16
#target = #kernel.target<"x86-64-v4", vector_bytes = 64, registers = 32, masks = true, l1 = 32768, l2 = 1048576>
module attributes {kernel.target = #target, kernel.records = {
    "9c5098be99878a3381eb467e16c0216c5df44da4|64,64" = "#kernel.schedule<lanes = 3, rows = 1, vectors = 1, unroll = 1, grain = 1, panels = 1, depth = 0>"}} {
  func.func @ignored(%y: tensor<64xf32>) -> tensor<64xf32> {
    %s = compute.fused pointwise (%y) : (tensor<64xf32>) -> tensor<64xf32> {
    ^bb0(%a: tensor<64xf32>):
      %m = compute.map (%a at #access.map<(d0) -> (d0)>) : (tensor<64xf32>) -> tensor<64xf32> {
      ^bb0(%q: f32):
        %z = arith.addf %q, %q : f32
        compute.yield %z : f32
      }
      compute.yield %m : tensor<64xf32>
    }
    return %s : tensor<64xf32>
  }
}
