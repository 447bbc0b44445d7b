#include "compiler/Operators/Elements.h"
#include "dialects/Graph/IR/Graph.h"
#include "passes/Graph/Passes.h"
#include <numeric>

using namespace mlir;

namespace longtail {
#define GEN_PASS_DEF_FOLDBATCHNORMALIZATION
#include "passes/Graph/Passes.h.inc"

namespace {

using graph::NodeOp;

/// Where the output channels are in the weights of a node: `weights` is a shape of the same
/// elements in which they have dimensions of their own, and `factors` the shape of a vector over
/// the channels that broadcasts to it.
struct Channels {
  int64_t count = 0;
  SmallVector<int64_t> weights, factors;
};

ShapedType constantType(Value value) {
  ElementsAttr elements = operators::constantOf(value);
  return elements ? elements.getShapedType() : ShapedType();
}

/// The rank of the first operand where the graph says it, else -1.
int64_t inputRank(NodeOp node) {
  auto type = dyn_cast<RankedTensorType>(node.getInputs().front().getType());
  if (type)
    return type.getRank();
  auto producer = node.getInputs().front().getDefiningOp<NodeOp>();
  bool keepsRank = producer && producer.isOp("Gemm");
  return keepsRank ? 2 : -1;
}

std::optional<Channels> channelsOf(NodeOp node) {
  if (node.getInputs().size() < 2)
    return std::nullopt;
  ShapedType type = constantType(node.getInputOrNull(1));
  if (!type || !operators::isComputeFloat(type.getElementType()))
    return std::nullopt;
  ArrayRef<int64_t> shape = type.getShape();
  Channels channels;
  channels.weights.assign(shape.begin(), shape.end());
  channels.factors.assign(shape.size(), 1);
  if (node.isOp("Conv") && shape.size() >= 3) { // [output, input of the group, positions]
    channels.count = channels.factors[0] = shape[0];
    return channels;
  }
  if (node.isOp("ConvTranspose") && shape.size() >= 3) { // [input, output of the group, positions]
    int64_t group = node.getInt("group", 1);
    if (group < 1 || shape[0] % group != 0)
      return std::nullopt;
    channels.count = shape[1] * group;
    channels.weights = {group, shape[0] / group, shape[1]};
    channels.weights.append(shape.begin() + 2, shape.end());
    channels.factors.assign(channels.weights.size(), 1);
    channels.factors[0] = group;
    channels.factors[2] = shape[1];
    return channels;
  }
  // A normalised dimension 1 is the last one only in a matrix.
  bool isMatrix = node.isOp("Gemm") || (node.isOp("MatMul") && inputRank(node) == 2);
  if (!isMatrix || shape.size() != 2)
    return std::nullopt;
  unsigned dim = node.isOp("Gemm") && node.getInt("transB", 0) ? 0 : 1;
  channels.count = channels.factors[dim] = shape[dim];
  return channels;
}

/// The node whose result `value` is, where nothing else uses it and Identity nodes do not count.
NodeOp soleProducer(Value value) {
  while (value.hasOneUse()) {
    auto node = value.getDefiningOp<NodeOp>();
    if (!node || !node.isOp("Identity"))
      return node;
    value = node.getInputs().front();
  }
  return nullptr;
}

bool isInference(NodeOp norm) {
  if (norm.getInputs().size() != 5 || norm.getInt("training_mode", 0) != 0)
    return false;
  // Before version 7 an attribute asks for inference; before 9 statistics may be per element.
  if (norm.getVersion() < 7 && norm.getInt("is_test", 0) == 0)
    return false;
  if (norm.getVersion() < 9 && norm.getInt("spatial", 1) == 0)
    return false;
  return llvm::all_of(norm->getResults().drop_front(), [](Value v) { return v.use_empty(); });
}

/// Builds nodes over constants. Everything is computed in `wide`, the wider of f32 and the model's
/// type, and cast back at the end.
class Folding {
public:
  Folding(NodeOp node, NodeOp norm, const Channels &channels, Type element)
      : builder(norm), loc(norm.getLoc()), node(node), norm(norm), channels(channels),
        element(element), wide(element.isF64() ? element : Type(builder.getF32Type())) {}

  /// Replaces the normalisation.
  void run();

private:
  Value add(StringRef op, ValueRange inputs, ArrayRef<int64_t> shape) {
    return operators::addNode(builder, loc, op, inputs, RankedTensorType::get(shape, wide));
  }
  Value cast(Value value, Type to) {
    auto type = constantTypeOf(value);
    if (type.getElementType() == to)
      return value;
    int64_t code = to.isF64() ? 11 : to.isF32() ? 1 : to.isF16() ? 10 : 16;
    return operators::addNode(builder, loc, "Cast", value, type.clone(to),
                              builder.getNamedAttr("to", builder.getI64IntegerAttr(code)));
  }
  Value reshape(Value value, ArrayRef<int64_t> shape) {
    auto type = RankedTensorType::get({static_cast<int64_t>(shape.size())}, builder.getI64Type());
    Value sizes = constant(operators::denseInts(type, shape));
    return operators::addNode(builder, loc, "Reshape", {value, sizes},
                              constantTypeOf(value).clone(shape));
  }
  Value constant(DenseElementsAttr value) {
    return graph::ConstantOp::create(builder, loc, value.getType(), value, StringAttr());
  }
  Value scalar(double value) {
    return constant(operators::denseNumbers(RankedTensorType::get({}, wide), value));
  }
  /// A new node has its type already; a node of the model may be without.
  RankedTensorType constantTypeOf(Value value) {
    if (auto type = dyn_cast<RankedTensorType>(value.getType()))
      return type;
    ShapedType type = constantType(value);
    return RankedTensorType::get(type.getShape(), type.getElementType());
  }

  OpBuilder builder;
  Location loc;
  NodeOp node, norm;
  const Channels &channels;
  Type element, wide;
};

void Folding::run() {
  int64_t count = channels.count;
  auto vector = [&](unsigned i) { return cast(norm.getInputs()[i], wide); };
  // y = (x - mean) * factor + offset, with factor = scale / sqrt(variance + epsilon).
  double epsilon = norm.getFloat("epsilon", 1e-5f);
  Value deviation = add("Sqrt", add("Add", {vector(4), scalar(epsilon)}, count), count);
  Value factor = add("Div", {vector(1), deviation}, count);

  Value weights = node.getInputs()[1];
  SmallVector<int64_t> shape(constantTypeOf(weights).getShape());
  Value wideWeights = cast(weights, wide);
  bool splits = shape != channels.weights;
  if (splits)
    wideWeights = reshape(wideWeights, channels.weights);
  wideWeights = add("Mul", {wideWeights, reshape(factor, channels.factors)}, channels.weights);
  if (splits)
    wideWeights = reshape(wideWeights, shape);

  // Gemm scales the product by alpha, which the weights keep, and the bias by beta, which goes
  // away.
  bool isGemm = node.isOp("Gemm"), isMatMul = node.isOp("MatMul");
  Value shift = add("Sub", {vector(2), add("Mul", {vector(3), factor}, count)}, count);
  SmallVector<int64_t> biasShape{count};
  if (Value bias = node.getInputOrNull(2)) {
    Value old = cast(bias, wide);
    auto type = constantTypeOf(bias);
    if (isGemm) {
      old = add("Mul", {old, scalar(node.getFloat("beta", 1))}, type.getShape());
      if (type.getRank() == 2 && type.getDimSize(0) != 1)
        biasShape = {type.getDimSize(0), count};
      else if (type.getRank() == 2)
        biasShape = {1, count};
    }
    shift = add("Add", {add("Mul", {old, factor}, biasShape), shift}, biasShape);
  }
  Value newWeights = cast(wideWeights, element), newBias = cast(shift, element);

  SmallVector<NamedAttribute> attributes;
  for (NamedAttribute attribute : node.getNodeAttributes())
    if (!isGemm || attribute.getName() != "beta")
      attributes.push_back(attribute);
  SmallVector<Value> inputs{node.getInputs()[0], newWeights};
  if (!isMatMul)
    inputs.push_back(newBias);
  Type resultType = norm->getResult(0).getType();
  auto create = [&](NodeOp like, ValueRange operands, ArrayAttr names, DictionaryAttr with) {
    return NodeOp::create(builder, like.getLoc(), TypeRange(resultType), like.getOpTypeAttr(),
                          like.getDomainAttr(), like.getVersionAttr(), like.getNodeNameAttr(),
                          operands, names, with, /*declared_types=*/ArrayAttr(),
                          builder.getArrayAttr({}), builder.getArrayAttr({}), ArrayAttr(), 0);
  };
  ArrayAttr names = builder.getArrayAttr(norm.getOutputNames()[0]);
  Value result = create(node, inputs, names, builder.getDictionaryAttr(attributes))->getResult(0);
  if (isMatMul)
    result = operators::addNode(builder, loc, "Add", {result, newBias}, resultType);
  norm->getResult(0).replaceAllUsesWith(result);
}

class FoldBatchNormalizationPass
    : public impl::FoldBatchNormalizationBase<FoldBatchNormalizationPass> {
public:
  using FoldBatchNormalizationBase::FoldBatchNormalizationBase;
  void runOnOperation() override;
};

/// True where every part that the new weights depend on is a constant that fits the channels.
bool isFoldable(NodeOp node, NodeOp norm, const Channels &channels, Type element) {
  for (unsigned i = 1; i < 5; ++i) {
    ShapedType type = constantType(norm.getInputOrNull(i));
    if (!type || type.getRank() != 1 || type.getNumElements() != channels.count ||
        !operators::isComputeFloat(type.getElementType()))
      return false;
  }
  Value bias = node.getInputOrNull(2);
  if (!bias)
    return true;
  ShapedType type = constantType(bias);
  if (!type || type.getElementType() != element)
    return false;
  if (!node.isOp("Gemm"))
    return type.getRank() == 1 && type.getNumElements() == channels.count;
  return type.getRank() <= 2;
}

void FoldBatchNormalizationPass::runOnOperation() {
  func::FuncOp function = getOperation();
  if (function.isExternal())
    return;
  for (NodeOp norm : llvm::to_vector(function.getBody().front().getOps<NodeOp>())) {
    if (!norm.isOp("BatchNormalization") || !isInference(norm))
      continue;
    NodeOp node = soleProducer(norm.getInputs().front());
    if (!node || !node.getDomain().empty() || node->getNumResults() != 1)
      continue;
    std::optional<Channels> channels = channelsOf(node);
    if (!channels)
      continue;
    Type element = constantType(node.getInputs()[1]).getElementType();
    if (!isFoldable(node, norm, *channels, element))
      continue;
    // Everything new stands before the normalisation, after all of its operands.
    Folding(node, norm, *channels, element).run();
    Operation *last = norm.getInputs().front().getDefiningOp();
    norm.erase();
    while (last && last->use_empty()) { // the Identity nodes between, then the node
      Operation *before = last == node ? nullptr : last->getOperand(0).getDefiningOp();
      last->erase();
      last = before;
    }
  }
}

} // namespace
} // namespace longtail
