// RUN: lt-opt %s | lt-opt | FileCheck %s
// RUN: lt-opt %s --mlir-print-op-generic | lt-opt | FileCheck %s

// CHECK-LABEL: func @declarations
// CHECK-SAME: tensor<?x3xf32, #extent.shape<()[s0] -> (s0 * 2, 3)>>
func.func @declarations(%x: tensor<?x3xf32, #extent.shape<()[s0] -> (s0 * 2, 3)>>, %n: tensor<2xi64>) -> index {
  // CHECK: extent.symbol 0 "half" = input 0 dim 0
  extent.symbol 0 "half" = input 0 dim 0
  // CHECK: extent.symbol 1 "width" = input 1 dim 0 min 1 max 4096
  extent.symbol 1 "width" = input 1 dim 0 min 1 max 4096
  // CHECK: extent.derived 2 = max #{{.*}}
  extent.derived 2 = max affine_map<()[s0, s1] -> (s0, s1 * 2)>
  // CHECK: extent.derived 3 = select
  extent.derived 3 = select affine_map<()[s0, s1, s2] -> (s0, s1, s2)>
  // CHECK: extent.bind 4 = %arg1[1] min 2 max 9 : tensor<2xi64>
  extent.bind 4 = %n[1] min 2 max 9 : tensor<2xi64>
  // CHECK: extent.check eq #{{.*}} "inputs 'a' and 'b' differ in dimension 0"
  extent.check eq affine_map<()[s0, s1] -> (s0, s1)> "inputs 'a' and 'b' differ in dimension 0"
  // CHECK: extent.size #{{.*}}
  %s = extent.size affine_map<()[s0] -> (s0 * 2)>
  return %s : index
}

// CHECK-LABEL: func @measured
func.func @measured(%x: tensor<3x?xf32, #extent.shape<()[s0] -> (3, s0)>>) {
  // CHECK: extent.measure 0 = %arg0 dim 1 max 9 : tensor<3x?xf32
  extent.measure 0 = %x dim 1 max 9 : tensor<3x?xf32, #extent.shape<()[s0] -> (3, s0)>>
  return
}
