// RUN: lt-opt %s --canonicalize | FileCheck %s

// A constant size is a constant; a symbolic one stays.
// CHECK-LABEL: func @size
func.func @size(%x: tensor<?xf32, #extent.shape<()[s0] -> (s0)>>) -> (index, index) {
  extent.symbol 0 "n" = input 0 dim 0
  // CHECK-DAG: %[[C:.*]] = arith.constant 7 : index
  %c = extent.size affine_map<() -> (7)>
  // CHECK-DAG: %[[S:.*]] = extent.size
  %s = extent.size affine_map<()[s0] -> (s0 + 1)>
  // CHECK: return %[[C]], %[[S]]
  return %c, %s : index, index
}
