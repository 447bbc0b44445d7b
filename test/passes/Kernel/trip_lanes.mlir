// RUN: lt-opt --lt-select-schedules --lt-lower-groups -split-input-file %s | FileCheck %s

// Trips of a loop in one point's code that call functions, and write elements of their own, are
// done sixteen at a time, the last ones under a mask; a branch is a mask, too.
// CHECK-LABEL: func.func @k0
// CHECK: scf.for {{.*}} step %c16
// CHECK: arith.cmpi sgt, {{.*}} : vector<16xindex>
// CHECK: math.exp {{.*}} : vector<16xf32>
// CHECK: kernel.store {{.*}} : vector<16xf32>
// CHECK: math.exp {{.*}} : vector<16xf32>
// CHECK: kernel.store {{.*}} mask
module attributes {kernel.target = #kernel.target<"x86-64-v4", vector_bytes = 64, registers = 32, masks = true, l1 = 32768, l2 = 1048576>} {
  func.func @states(%x: tensor<100xf32>) -> tensor<100xf32> {
    %r = compute.fused grid (%x) : (tensor<100xf32>) -> tensor<100xf32> {
    ^bb0(%a: tensor<100xf32>):
      %s = compute.grid over affine_map<() -> ()> : tensor<100xf32> {
      ^bb0(%to: !access.place<tensor<100xf32>>):
        %c0 = arith.constant 0 : index
        %c1 = arith.constant 1 : index
        %c100 = arith.constant 100 : index
        %zero = arith.constant 0.0 : f32
        scf.for %i = %c0 to %c100 step %c1 {
          %any = arith.cmpi sgt, %i, %c0 : index
          %v = scf.if %any -> (f32) {
            %before = arith.subi %i, %c1 : index
            %l = access.load %a[%before] : tensor<100xf32> -> f32
            scf.yield %l : f32
          } else {
            scf.yield %zero : f32
          }
          %e = math.exp %v : f32
          access.store %e, %to[%i] : f32, !access.place<tensor<100xf32>>
        }
      }
      compute.yield %s : tensor<100xf32>
    }
    return %r : tensor<100xf32>
  }
}

// -----

// A trip that reads what the one before it wrote waits for it.
// CHECK-LABEL: func.func @k0
// CHECK-NOT: vector<16xindex>
// CHECK: math.exp {{.*}} : f32
module attributes {kernel.target = #kernel.target<"x86-64-v4", vector_bytes = 64, registers = 32, masks = true, l1 = 32768, l2 = 1048576>} {
  func.func @recurrence(%x: tensor<100xf32>) -> tensor<101xf32> {
    %r = compute.fused grid (%x) : (tensor<100xf32>) -> tensor<101xf32> {
    ^bb0(%a: tensor<100xf32>):
      %s = compute.grid over affine_map<() -> ()> : tensor<101xf32> {
      ^bb0(%to: !access.place<tensor<101xf32>>):
        %c0 = arith.constant 0 : index
        %c1 = arith.constant 1 : index
        %c100 = arith.constant 100 : index
        %zero = arith.constant 0.0 : f32
        access.store %zero, %to[%c0] : f32, !access.place<tensor<101xf32>>
        scf.for %i = %c0 to %c100 step %c1 {
          %l = access.load %a[%i] : tensor<100xf32> -> f32
          %before = access.fetch %to[%i] : !access.place<tensor<101xf32>> -> f32
          %sum = arith.addf %l, %before : f32
          %e = math.exp %sum : f32
          %next = arith.addi %i, %c1 : index
          access.store %e, %to[%next] : f32, !access.place<tensor<101xf32>>
        }
      }
      compute.yield %s : tensor<101xf32>
    }
    return %r : tensor<101xf32>
  }
}
