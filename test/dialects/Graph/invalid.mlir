// RUN: lt-opt %s -split-input-file -verify-diagnostics

func.func @node_c1_operator() {
  // expected-error@+1 {{has an empty op_type (node_c1)}}
  graph.node "" version 1 () -> [] : () -> ()
  return
}

// -----

func.func @node_c1_version() {
  // expected-error@+1 {{has version 0 (node_c1)}}
  graph.node "A" version 0 () -> [] : () -> ()
  return
}

// -----

func.func @node_c2_count() {
  // expected-error@+1 {{has 2 output_names for 1 results (node_c2)}}
  %0 = graph.node "A" version 1 () -> ["a", "b"] : () -> !graph.any
  return
}

// -----

func.func @node_c2_none() {
  // expected-error@+1 {{names result 0, which is left out (node_c2)}}
  %0 = graph.node "A" version 1 () -> ["a"] : () -> none
  return
}

// -----

func.func @node_c3() {
  // expected-error@+1 {{has 2 declared_types for 1 results (node_c3)}}
  %0 = graph.node "A" version 1 () -> ["a"] declared [none, none] : () -> !graph.any
  return
}

// -----

func.func @node_c4_names() {
  // expected-error@+1 {{has 1 regions, but names or types for another number (node_c4)}}
  graph.node "A" version 1 () -> [] regions ["a", "b"] [[]] : () -> () {
    graph.yield []
  }
  return
}

// -----

func.func @node_c4_types() {
  // expected-error@+1 {{has 1 regions, but names or types for another number (node_c4)}}
  graph.node "A" version 1 () -> [] regions ["a"] [[]] declared [] : () -> () {
    graph.yield []
  }
  return
}

// -----

func.func @node_c5_names() {
  // expected-error@+1 {{region 0 has 1 arguments, but names or types for another number (node_c5)}}
  graph.node "A" version 1 () -> [] regions ["a"] [[]] : () -> () {
  ^bb0(%i: !graph.any):
    graph.yield []
  }
  return
}

// -----

func.func @node_c5_types() {
  // expected-error@+1 {{region 0 has 1 arguments, but names or types for another number (node_c5)}}
  graph.node "A" version 1 () -> [] regions ["a"] [["i"]] declared [[]] : () -> () {
  ^bb0(%i: !graph.any):
    graph.yield []
  }
  return
}

// -----

func.func @node_c6_empty() {
  // expected-error@+1 {{region 0 is not one block that ends in graph.yield (node_c6)}}
  graph.node "A" version 1 () -> [] regions ["a"] [[]] : () -> () {
  }
  return
}

// -----

func.func @node_c6_terminator() {
  // expected-error@+1 {{region 0 is not one block that ends in graph.yield (node_c6)}}
  graph.node "A" version 1 () -> [] regions ["a"] [[]] : () -> () {
    %none = graph.none
  }
  return
}

// -----

func.func @constant_c1() {
  // expected-error@+1 {{all of {value, result} have same type}}
  %0 = "graph.constant"() {value = dense<1> : tensor<i32>} : () -> tensor<i64>
  return
}

// -----

func.func @constant_c2() {
  // expected-error@+1 {{must be tensor}}
  %0 = graph.constant dense<1> : vector<2xi32>
  return
}

// -----

func.func @yield_c1() {
  graph.node "A" version 1 () -> [] regions ["a"] [[]] : () -> () {
    // expected-error@+1 {{has 1 names for 0 values (yield_c1)}}
    graph.yield ["a"]
  }
  return
}

// -----

func.func @yield_c2() {
  graph.node "A" version 1 () -> [] regions ["a"] [[]] : () -> () {
    // expected-error@+1 {{has 1 declared_types for 0 values (yield_c2)}}
    graph.yield [] declared [none]
  }
  return
}

// -----

func.func @yield_parent() {
  // expected-error@+1 {{expects parent op 'graph.node'}}
  graph.yield []
}

// -----

// expected-error@+1 {{a sequence cannot hold '!graph.string' (sequence_c1)}}
func.func @sequence_c1(%a: !graph.sequence<!graph.string>) { return }

// -----

// expected-error@+1 {{an optional cannot hold 'f32' (optional_c1)}}
func.func @optional_c1(%a: !graph.optional<f32>) { return }

// -----

// expected-error@+1 {{the key of a map cannot be 'f32' (map_c1)}}
func.func @map_c1(%a: !graph.map<f32, tensor<f32>>) { return }

// -----

// expected-error@+1 {{a map cannot hold 'f32' (map_c2)}}
func.func @map_c2(%a: !graph.map<i64, f32>) { return }

// -----

// expected-error@+1 {{'graph.opsets' is not a dictionary of versions (dialect_c1)}}
module attributes {graph.opsets = {a = "1"}} {}

// -----

// expected-error@+1 {{'graph.metadata' is not a dictionary of strings (dialect_c1)}}
module attributes {graph.metadata = []} {}

// -----

// expected-error@+1 {{'graph.source' is not a string (dialect_c2)}}
module attributes {graph.source = 1 : i64} {}

// -----

// expected-error@+1 {{'graph.name' of argument 0 is not a string (dialect_c2)}}
func.func @argument_name(%x: tensor<f32> {graph.name = 1 : i64}) { return }

// -----

// expected-error@+1 {{'graph.ir_version' is not an integer (dialect_c3)}}
module attributes {graph.ir_version = "8"} {}

// -----

// expected-error@+1 {{'graph.declared_type' of result 0 is not a type (dialect_c4)}}
func.func @declared_type(%x: tensor<f32>) -> (tensor<f32> {graph.declared_type = "f32"}) {
  return %x : tensor<f32>
}

// -----

// expected-error@+1 {{'graph.dim_names' of argument 0 is not an array of strings (dialect_c5)}}
func.func @dim_names_kind(%x: tensor<?xf32> {graph.dim_names = [1]}) { return }

// -----

// expected-error@+1 {{'graph.dim_names' of argument 0 has 2 names for 1 dimensions (dialect_c5)}}
func.func @dim_names_count(%x: tensor<?xf32> {graph.dim_names = ["a", "b"]}) { return }
