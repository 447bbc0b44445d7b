// RUN: lt-opt --lt-select-schedules --lt-chain-rows -split-input-file %s | FileCheck %s
// RUN: lt-opt --lt-select-schedules --lt-chain-rows --lt-lower-groups -split-input-file %s | FileCheck %s --check-prefix=KERNEL

// A product, maxima taken from its rows, a product with that: all of it for as many rows of a tile
// as fit the cache. What is between them is scratch memory: 60 rows of 512 numbers, twice.
// CHECK-LABEL: func.func @chain
// CHECK: compute.fused contraction{{.*}}kernel.in_stripe
// CHECK: compute.fused rows{{.*}}kernel.in_stripe
// CHECK: compute.fused contraction{{.*}}kernel.stripe = {{[1-9][0-9]*}}
// KERNEL: #[[$TILES:.*]] = affine_map<() -> (36)>
// KERNEL: #[[$BYTES:.*]] = affine_map<() -> (245888)>
// KERNEL-LABEL: func.func @chain
// KERNEL: kernel.dispatch @k0(%{{.*}}, %{{.*}}, %{{.*}}) params {{.*}} tiles #[[$TILES]] scratch #[[$BYTES]]
// KERNEL-NOT: kernel.dispatch
// KERNEL-LABEL: func.func @k0
// KERNEL-SAME: kernel.buffers = 4
// KERNEL: kernel.scratch 0
// KERNEL: vector.fma
// KERNEL: arith.cmpf ogt
// KERNEL: vector.fma
#rows = affine_map<() -> (512)>
#width = affine_map<() -> (64)>
module attributes {kernel.target = #kernel.target<"x86-64-v4", vector_bytes = 64, registers = 32, masks = true, l1 = 32768, l2 = 1048576>} {
  func.func @chain(%q: tensor<4x512x64xf32>, %k: tensor<4x64x512xf32>, %v: tensor<4x512x64xf32>) -> tensor<4x512x64xf32> {
    %s = compute.fused contraction (%q, %k) : (tensor<4x512x64xf32>, tensor<4x64x512xf32>) -> tensor<4x512x512xf32> {
    ^bb0(%a: tensor<4x512x64xf32>, %b: tensor<4x64x512xf32>):
      %c = compute.contract %a at #access.map<(d0, d1, d2, d3) -> (d0, d1, d3)>, %b at #access.map<(d0, d1, d2, d3) -> (d0, d3, d2)> over #width : tensor<4x512x64xf32>, tensor<4x64x512xf32> -> tensor<4x512x512xf32>
      compute.yield %c : tensor<4x512x512xf32>
    }
    %p = compute.fused rows (%s) : (tensor<4x512x512xf32>) -> tensor<4x512x512xf32> {
    ^bb0(%a: tensor<4x512x512xf32>):
      %m = compute.reduce max over #rows (%a at #access.map<(d0, d1, d2) -> (d0, d1, d2)>) : (tensor<4x512x512xf32>) -> tensor<4x512xf32> {
      ^bb0(%x: f32):
        compute.yield %x : f32
      }
      %e = compute.map (%a at #access.map<(d0, d1, d2) -> (d0, d1, d2)>, %m at #access.map<(d0, d1, d2) -> (d0, d1)>) : (tensor<4x512x512xf32>, tensor<4x512xf32>) -> tensor<4x512x512xf32> {
      ^bb0(%x: f32, %y: f32):
        %z = arith.subf %x, %y : f32
        compute.yield %z : f32
      }
      compute.yield %e : tensor<4x512x512xf32>
    }
    %o = compute.fused contraction (%p, %v) : (tensor<4x512x512xf32>, tensor<4x512x64xf32>) -> tensor<4x512x64xf32> {
    ^bb0(%a: tensor<4x512x512xf32>, %b: tensor<4x512x64xf32>):
      %c = compute.contract %a at #access.map<(d0, d1, d2, d3) -> (d0, d1, d3)>, %b at #access.map<(d0, d1, d2, d3) -> (d0, d3, d2)> over #rows : tensor<4x512x512xf32>, tensor<4x512x64xf32> -> tensor<4x512x64xf32>
      compute.yield %c : tensor<4x512x64xf32>
    }
    return %o : tensor<4x512x64xf32>
  }
}

// -----

// The second product takes the weights as columns: rows of the one are not rows of the other.
// CHECK-LABEL: func.func @transposed
// CHECK-NOT: kernel.{{(in_)?}}stripe
// KERNEL-LABEL: func.func @transposed
// KERNEL-COUNT-3: kernel.dispatch
#rows = affine_map<() -> (512)>
#width = affine_map<() -> (64)>
module attributes {kernel.target = #kernel.target<"x86-64-v4", vector_bytes = 64, registers = 32, masks = true, l1 = 32768, l2 = 1048576>} {
  func.func @transposed(%q: tensor<4x512x64xf32>, %k: tensor<4x64x512xf32>, %v: tensor<4x512x64xf32>) -> tensor<4x512x64xf32> {
    %s = compute.fused contraction (%q, %k) : (tensor<4x512x64xf32>, tensor<4x64x512xf32>) -> tensor<4x512x512xf32> {
    ^bb0(%a: tensor<4x512x64xf32>, %b: tensor<4x64x512xf32>):
      %c = compute.contract %a at #access.map<(d0, d1, d2, d3) -> (d0, d1, d3)>, %b at #access.map<(d0, d1, d2, d3) -> (d0, d3, d2)> over #width : tensor<4x512x64xf32>, tensor<4x64x512xf32> -> tensor<4x512x512xf32>
      compute.yield %c : tensor<4x512x512xf32>
    }
    %p = compute.fused rows (%s) : (tensor<4x512x512xf32>) -> tensor<4x512x512xf32> {
    ^bb0(%a: tensor<4x512x512xf32>):
      %m = compute.reduce max over #rows (%a at #access.map<(d0, d1, d2) -> (d0, d1, d2)>) : (tensor<4x512x512xf32>) -> tensor<4x512xf32> {
      ^bb0(%x: f32):
        compute.yield %x : f32
      }
      %e = compute.map (%a at #access.map<(d0, d1, d2) -> (d0, d1, d2)>, %m at #access.map<(d0, d1, d2) -> (d0, d1)>) : (tensor<4x512x512xf32>, tensor<4x512xf32>) -> tensor<4x512x512xf32> {
      ^bb0(%x: f32, %y: f32):
        %z = arith.subf %x, %y : f32
        compute.yield %z : f32
      }
      compute.yield %e : tensor<4x512x512xf32>
    }
    %o = compute.fused contraction (%p, %v) : (tensor<4x512x512xf32>, tensor<4x512x64xf32>) -> tensor<4x512x64xf32> {
    ^bb0(%a: tensor<4x512x512xf32>, %b: tensor<4x512x64xf32>):
      %c = compute.contract %a at #access.map<(d0, d1, d2, d3) -> (d0, d3, d1)>, %b at #access.map<(d0, d1, d2, d3) -> (d0, d3, d2)> over #rows : tensor<4x512x512xf32>, tensor<4x512x64xf32> -> tensor<4x512x64xf32>
      compute.yield %c : tensor<4x512x64xf32>
    }
    return %o : tensor<4x512x64xf32>
  }
}

// -----

// A product between transformations by small matrices, the second of which makes two results of each
// row. The last row makes one. 24 rows at a time, in scratch memory as they come: in two areas,
// since what the first group reads needs none.
// CHECK-LABEL: func.func @scaled
// CHECK: compute.fused window{{.*}}kernel.in_stripe
// CHECK: compute.fused contraction{{.*}}kernel.in_stripe
// CHECK: compute.fused window{{.*}}kernel.stripe = 24
// KERNEL-DAG: #[[$TILES:.*]] = affine_map<() -> (22)>
// KERNEL-DAG: #[[$BYTES:.*]] = affine_map<() -> (9344)>
// KERNEL-LABEL: func.func @scaled
// KERNEL: kernel.dispatch @k0(%{{.*}}, %{{.*}}) params {{.*}} tiles #[[$TILES]] scratch #[[$BYTES]]
// KERNEL-NOT: kernel.dispatch
// KERNEL-LABEL: func.func @k0
// KERNEL-SAME: kernel.buffers = 3
// No product with 0 or 1 is left, and of the second results only those that exist are stored.
// KERNEL-NOT: compute.scale
// KERNEL: vector.fma
// KERNEL: arith.cmpi ult
#two = affine_map<() -> (2)>
#depth = affine_map<() -> (16)>
module attributes {kernel.target = #kernel.target<"x86-64-v4", vector_bytes = 64, registers = 32, masks = true, l1 = 32768, l2 = 1048576>} {
  func.func @scaled(%x: tensor<512x2x16xf32>, %w: tensor<2x16x32xf32>) -> tensor<1023x32xf32> {
    %s = compute.fused window (%x) : (tensor<512x2x16xf32>) -> tensor<2x512x16xf32> {
    ^bb0(%a: tensor<512x2x16xf32>):
      %t = compute.reduce add over #two (%a at #access.map<(d0, d1, d2, d3) -> (d1, d3, d2)>) : (tensor<512x2x16xf32>) -> tensor<2x512x16xf32> {
      ^bb0(%e: f32):
        %g = compute.scale %e by dense<[[1.0, -1.0], [0.0, 1.0]]> : tensor<2x2xf32> at 0, 3 : f32
        compute.yield %g : f32
      }
      compute.yield %t : tensor<2x512x16xf32>
    }
    %p = compute.fused contraction (%s, %w) : (tensor<2x512x16xf32>, tensor<2x16x32xf32>) -> tensor<2x512x32xf32> {
    ^bb0(%a: tensor<2x512x16xf32>, %b: tensor<2x16x32xf32>):
      %c = compute.contract %a at #access.map<(d0, d1, d2, d3) -> (d0, d1, d3)>, %b at #access.map<(d0, d1, d2, d3) -> (d0, d3, d2)> over #depth : tensor<2x512x16xf32>, tensor<2x16x32xf32> -> tensor<2x512x32xf32>
      compute.yield %c : tensor<2x512x32xf32>
    }
    %o = compute.fused window (%p) : (tensor<2x512x32xf32>) -> tensor<1023x32xf32> {
    ^bb0(%a: tensor<2x512x32xf32>):
      %t = compute.reduce add over #two (%a at #access.map<(d0, d1, d2) -> (d2, d0 floordiv 2, d1)>) : (tensor<2x512x32xf32>) -> tensor<1023x32xf32> {
      ^bb0(%e: f32):
        %g = compute.scale %e by dense<[[1.0, 1.0], [0.0, 1.0]]> : tensor<2x2xf32> at 0, 2 : f32
        compute.yield %g : f32
      }
      compute.yield %t : tensor<1023x32xf32>
    }
    return %o : tensor<1023x32xf32>
  }
}
