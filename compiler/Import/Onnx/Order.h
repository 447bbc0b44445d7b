// The order in which a graph's nodes can run.
#pragma once
#include "onnx-ml.pb.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringRef.h"

namespace longtail::onnx {

using NodeList = google::protobuf::RepeatedPtrField<::onnx::NodeProto>;

struct NodeOrder {
  /// Indices of the nodes: the model's order, changed only where a node precedes one that it reads.
  llvm::SmallVector<unsigned, 0> order;
  /// If there is no such order: indices of nodes of which each reads the next, and the last the
  /// first.
  llvm::SmallVector<unsigned, 0> cycle;
};

NodeOrder orderNodes(const NodeList &nodes);

} // namespace longtail::onnx
