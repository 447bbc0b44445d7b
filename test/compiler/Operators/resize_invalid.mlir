// RUN: lt-opt --lt-infer-shapes -split-input-file -verify-diagnostics %s

func.func @mode(%x: tensor<4xf32>, %s: tensor<1xf32>) -> !graph.any {
  // expected-error @+1 {{attribute 'mode' is 'area', which is not known}}
  %r = graph.node "Resize" version 10 (%x, %s) -> ["r"] with {mode = "area"} : (tensor<4xf32>, tensor<1xf32>) -> !graph.any
  return %r : !graph.any
}

// -----

func.func @neither(%x: tensor<4xf32>) -> !graph.any {
  // expected-error @+1 {{neither of inputs 'scales' and 'sizes' are given, expected one}}
  %r = graph.node "Resize" version 13 (%x) -> ["r"] : (tensor<4xf32>) -> !graph.any
  return %r : !graph.any
}

// -----

func.func @both(%x: tensor<4xf32>, %a: tensor<1xf32>, %b: tensor<1xi64>) -> !graph.any {
  %none = graph.none
  // expected-error @+1 {{both of inputs 'scales' and 'sizes' are given, expected one}}
  %r = graph.node "Resize" version 13 (%x, %none, %a, %b) -> ["r"] : (tensor<4xf32>, none, tensor<1xf32>, tensor<1xi64>) -> !graph.any
  return %r : !graph.any
}

// -----

func.func @count(%x: tensor<4x4xf32>, %s: tensor<3xf32>) -> !graph.any {
  // expected-error @+1 {{input 'scales' is f32[3], expected 2 elements for 2 dimensions}}
  %r = graph.node "Resize" version 10 (%x, %s) -> ["r"] : (tensor<4x4xf32>, tensor<3xf32>) -> !graph.any
  return %r : !graph.any
}

// -----

func.func @negative(%x: tensor<4xf32>) -> !graph.any {
  %s = graph.constant dense<-1.0> : tensor<1xf32>
  // expected-error @+1 {{scale -1.000000e+00 of dimension 0 is not a positive number}}
  %r = graph.node "Resize" version 10 (%x, %s) -> ["r"] : (tensor<4xf32>, tensor<1xf32>) -> !graph.any
  return %r : !graph.any
}

// -----

func.func @axes_twice(%x: tensor<4x4xf32>) -> !graph.any {
  %none = graph.none
  %s = graph.constant dense<2.0> : tensor<2xf32>
  // expected-error @+1 {{attribute 'axes' has dimension 1 twice}}
  %r = graph.node "Resize" version 18 (%x, %none, %s) -> ["r"] with {axes = array<i64: 1, -1>} : (tensor<4x4xf32>, none, tensor<2xf32>) -> !graph.any
  return %r : !graph.any
}

// -----

func.func @antialias(%x: tensor<4xf32>) -> !graph.any {
  %none = graph.none
  %s = graph.constant dense<2.0> : tensor<1xf32>
  // expected-error @+1 {{attribute 'antialias' needs mode 'linear' or 'cubic'}}
  %r = graph.node "Resize" version 18 (%x, %none, %s) -> ["r"] with {antialias = 1 : i64} : (tensor<4xf32>, none, tensor<1xf32>) -> !graph.any
  return %r : !graph.any
}

// -----

func.func @roi(%x: tensor<4xf32>) -> !graph.any {
  %none = graph.none
  %s = graph.constant dense<2.0> : tensor<1xf32>
  // expected-error @+1 {{input 'roi' is missing, which tf_crop_and_resize needs}}
  %r = graph.node "Resize" version 13 (%x, %none, %s) -> ["r"] with {coordinate_transformation_mode = "tf_crop_and_resize"} : (tensor<4xf32>, none, tensor<1xf32>) -> !graph.any
  return %r : !graph.any
}

// -----

func.func @bools(%x: tensor<4xi1>) -> !graph.any {
  %s = graph.constant dense<2.0> : tensor<1xf32>
  // expected-error @+1 {{input 'X' has elements of type 'i1', expected numbers}}
  %r = graph.node "Resize" version 10 (%x, %s) -> ["r"] with {mode = "linear"} : (tensor<4xi1>, tensor<1xf32>) -> !graph.any
  return %r : !graph.any
}

// -----

func.func @empty(%x: tensor<0xf32>) -> !graph.any {
  %none = graph.none
  %s = graph.constant dense<2> : tensor<1xi64>
  // expected-error @+1 {{dimension 0 of input 'X' is empty and resized to 2}}
  %r = graph.node "Resize" version 13 (%x, %none, %none, %s) -> ["r"] : (tensor<0xf32>, none, none, tensor<1xi64>) -> !graph.any
  return %r : !graph.any
}
