#include "compiler/Import/Onnx/Order.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringSet.h"
#include <queue>

using namespace longtail::onnx;
using llvm::SmallVector;
using llvm::SmallVectorImpl;
using llvm::StringRef;

static void collectReads(const ::onnx::NodeProto &node, SmallVectorImpl<StringRef> &reads);

/// Appends the names that `graph` reads from the graphs around it.
static void collectCaptures(const ::onnx::GraphProto &graph, SmallVectorImpl<StringRef> &captures) {
  llvm::StringSet<> defined;
  for (const ::onnx::ValueInfoProto &input : graph.input())
    defined.insert(input.name());
  for (const ::onnx::TensorProto &tensor : graph.initializer())
    defined.insert(tensor.name());
  for (const ::onnx::SparseTensorProto &tensor : graph.sparse_initializer())
    defined.insert(tensor.values().name());
  for (const ::onnx::NodeProto &node : graph.node())
    for (const std::string &output : node.output())
      defined.insert(output);
  SmallVector<StringRef> reads;
  for (const ::onnx::NodeProto &node : graph.node())
    collectReads(node, reads);
  for (const ::onnx::ValueInfoProto &output : graph.output())
    reads.push_back(output.name());
  llvm::copy_if(reads, std::back_inserter(captures),
                [&](StringRef name) { return !defined.contains(name); });
}

/// Appends the names that `node` reads, also within its graphs.
static void collectReads(const ::onnx::NodeProto &node, SmallVectorImpl<StringRef> &reads) {
  reads.append(node.input().begin(), node.input().end());
  for (const ::onnx::AttributeProto &attribute : node.attribute()) {
    if (attribute.has_g())
      collectCaptures(attribute.g(), reads);
    for (const ::onnx::GraphProto &graph : attribute.graphs())
      collectCaptures(graph, reads);
  }
}

/// Follows reads of nodes that still wait, until a node comes again.
static SmallVector<unsigned, 0> findCycle(llvm::ArrayRef<SmallVector<unsigned, 4>> producers,
                                          llvm::ArrayRef<unsigned> numMissing) {
  SmallVector<unsigned, 0> path;
  SmallVector<unsigned, 0> positions(numMissing.size(), ~0u);
  unsigned current =
      llvm::find_if(numMissing, [](unsigned n) { return n != 0; }) - numMissing.begin();
  while (positions[current] == ~0u) {
    positions[current] = path.size();
    path.push_back(current);
    current = *llvm::find_if(producers[current], [&](unsigned n) { return numMissing[n] != 0; });
  }
  path.erase(path.begin(), path.begin() + positions[current]);
  return path;
}

NodeOrder longtail::onnx::orderNodes(const NodeList &nodes) {
  unsigned count = nodes.size();
  llvm::StringMap<unsigned> producerOf;
  for (unsigned i = 0; i < count; ++i)
    for (const std::string &output : nodes[i].output())
      if (!output.empty())
        producerOf.try_emplace(output, i);

  SmallVector<SmallVector<unsigned, 4>, 0> producers(count), consumers(count);
  SmallVector<unsigned, 0> numMissing(count, 0);
  SmallVector<StringRef> reads;
  for (unsigned i = 0; i < count; ++i) {
    reads.clear();
    collectReads(nodes[i], reads);
    for (StringRef name : reads)
      if (auto found = producerOf.find(name); found != producerOf.end())
        producers[i].push_back(found->second);
    llvm::sort(producers[i]);
    producers[i].erase(llvm::unique(producers[i]), producers[i].end());
    numMissing[i] = producers[i].size();
    for (unsigned producer : producers[i])
      consumers[producer].push_back(i);
  }

  NodeOrder result;
  std::priority_queue<unsigned, std::vector<unsigned>, std::greater<unsigned>> ready;
  for (unsigned i = 0; i < count; ++i)
    if (numMissing[i] == 0)
      ready.push(i);
  while (!ready.empty()) {
    unsigned next = ready.top();
    ready.pop();
    result.order.push_back(next);
    for (unsigned consumer : consumers[next])
      if (--numMissing[consumer] == 0)
        ready.push(consumer);
  }
  if (result.order.size() != count)
    result.cycle = findCycle(producers, numMissing);
  return result;
}
