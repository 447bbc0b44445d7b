// What small tensors hold, for shape arithmetic: a tensor computed from sizes by these operators is
// known element by element, so that what it is used for (a reshape, a slice) is known too.
#include "compiler/Operators/ContentsArithmetic.h"

using namespace mlir;

namespace longtail::operators {
namespace {

using Fractions = SmallVector<Fraction>;

/// Row-major positions of a small box.
SmallVector<SmallVector<int64_t>> positionsOf(ArrayRef<int64_t> shape) {
  SmallVector<SmallVector<int64_t>> positions(1);
  for (int64_t size : shape) {
    SmallVector<SmallVector<int64_t>> longer;
    for (const auto &prefix : positions)
      for (int64_t i = 0; i < size; ++i) {
        longer.push_back(prefix);
        longer.back().push_back(i);
      }
    positions = std::move(longer);
  }
  return positions;
}

int64_t linearIndex(ArrayRef<int64_t> position, ArrayRef<int64_t> shape) {
  int64_t linear = 0;
  for (auto [index, size] : llvm::zip(position, shape))
    linear = linear * size + index;
  return linear;
}

/// The element of a broadcast operand at a position of the result.
int64_t broadcastIndex(ArrayRef<int64_t> position, ArrayRef<int64_t> shape) {
  int64_t linear = 0, offset = position.size() - shape.size();
  for (auto [i, size] : llvm::enumerate(shape))
    linear = linear * size + (size == 1 ? 0 : position[offset + i]);
  return linear;
}

/// One node whose result is small and static.
class Evaluator {
public:
  explicit Evaluator(InferContext &context) : context(context), op(context.getNode().getOpType()) {}

  void run();

private:
  bool isOneOf(std::initializer_list<StringRef> names) const {
    return llvm::is_contained(names, op);
  }
  ArrayRef<int64_t> shape(unsigned i) const { return context.inputType(i).getShape(); }
  std::optional<Fractions> elementwise(ArrayRef<int64_t> result, unsigned numOperands) const;
  std::optional<Fractions> transpose(ArrayRef<int64_t> result) const;
  std::optional<Fractions> gather(ArrayRef<int64_t> result) const;
  std::optional<Fractions> concat(ArrayRef<int64_t> result) const;
  std::optional<Fractions> slice(ArrayRef<int64_t> result) const;
  std::optional<Fractions> tile(ArrayRef<int64_t> result) const;
  std::optional<Fractions> range(ArrayRef<int64_t> result) const;
  std::optional<Fractions> reduce(ArrayRef<int64_t> result) const;
  std::optional<Fractions> constantOfShape(ArrayRef<int64_t> result) const;
  void split() const;

  InferContext &context;
  StringRef op;
};

std::optional<Fractions> Evaluator::elementwise(ArrayRef<int64_t> result,
                                                unsigned numOperands) const {
  SmallVector<Fractions> operands;
  for (unsigned i = 0; i < numOperands; ++i) {
    auto known = context.hasInput(i) ? context.fractions(i) : std::nullopt;
    if (!known)
      return std::nullopt;
    operands.push_back(*known);
  }
  Fractions elements;
  for (const auto &position : positionsOf(result)) {
    Fractions args;
    for (auto [i, operand] : llvm::enumerate(operands))
      args.push_back(operand[broadcastIndex(position, shape(i))]);
    std::optional<Fraction> value = evaluateElement(context, args);
    if (!value)
      return std::nullopt;
    elements.push_back(*value);
  }
  return elements;
}

std::optional<Fractions> Evaluator::transpose(ArrayRef<int64_t> result) const {
  auto known = context.fractions(0);
  std::optional<SmallVector<int64_t>> order = context.getInts("perm");
  if (!known)
    return std::nullopt;
  int64_t rank = result.size();
  if (!order)
    order = llvm::to_vector(llvm::reverse(llvm::seq<int64_t>(0, rank)));
  Fractions elements;
  for (const auto &position : positionsOf(result)) {
    SmallVector<int64_t> source(rank);
    for (int64_t i = 0; i < rank; ++i)
      source[((*order)[i] + rank) % rank] = position[i];
    elements.push_back((*known)[linearIndex(source, shape(0))]);
  }
  return elements;
}

std::optional<Fractions> Evaluator::gather(ArrayRef<int64_t> result) const {
  auto data = context.fractions(0);
  auto indices = context.constantInts(1);
  int64_t rank = context.rank(0), axis = (context.getInt("axis", 0) + rank) % rank;
  if (!data || !indices)
    return std::nullopt;
  int64_t count = context.rank(1);
  Fractions elements;
  for (const auto &position : positionsOf(result)) {
    ArrayRef<int64_t> all(position);
    int64_t index = (*indices)[linearIndex(all.slice(axis, count), shape(1))];
    SmallVector<int64_t> source(all.take_front(axis));
    source.push_back(index < 0 ? index + shape(0)[axis] : index);
    llvm::append_range(source, all.drop_front(axis + count));
    if (source[axis] < 0 || source[axis] >= shape(0)[axis])
      return std::nullopt;
    elements.push_back((*data)[linearIndex(source, shape(0))]);
  }
  return elements;
}

std::optional<Fractions> Evaluator::concat(ArrayRef<int64_t> result) const {
  int64_t rank = result.size(), axis = (context.getInt("axis", 1) + rank) % rank;
  SmallVector<Fractions> operands;
  for (unsigned i = 0; i < context.numInputs(); ++i) {
    auto known = context.fractions(i);
    if (!known)
      return std::nullopt;
    operands.push_back(*known);
  }
  Fractions elements;
  for (auto position : positionsOf(result)) {
    unsigned i = 0;
    while (position[axis] >= shape(i)[axis])
      position[axis] -= shape(i++)[axis];
    elements.push_back(operands[i][linearIndex(position, shape(i))]);
  }
  return elements;
}

std::optional<Fractions> Evaluator::slice(ArrayRef<int64_t> result) const {
  auto data = context.fractions(0);
  bool byInputs = context.version() >= 10;
  auto ints = [&](StringRef name, unsigned input) -> std::optional<SmallVector<int64_t>> {
    if (!byInputs || !context.hasInput(input))
      return context.getInts(name);
    return context.constantInts(input);
  };
  auto starts = ints("starts", 1), axes = ints("axes", 3), steps = ints("steps", 4);
  bool isOpen = byInputs && ((context.hasInput(3) && !axes) || (context.hasInput(4) && !steps));
  if (!data || !starts || isOpen)
    return std::nullopt;
  int64_t rank = result.size();
  SmallVector<int64_t> from(rank, 0), by(rank, 1);
  for (auto [i, start] : llvm::enumerate(*starts)) {
    int64_t axis = axes ? ((*axes)[i] + rank) % rank : i, step = steps ? (*steps)[i] : 1;
    int64_t size = shape(0)[axis];
    from[axis] =
        std::clamp(start < 0 ? start + size : start, int64_t(0), step > 0 ? size : size - 1);
    by[axis] = step;
  }
  Fractions elements;
  for (auto position : positionsOf(result)) {
    for (int64_t dim = 0; dim < rank; ++dim)
      position[dim] = from[dim] + position[dim] * by[dim];
    elements.push_back((*data)[linearIndex(position, shape(0))]);
  }
  return elements;
}

std::optional<Fractions> Evaluator::tile(ArrayRef<int64_t> result) const {
  auto data = context.fractions(0);
  if (!data)
    return std::nullopt;
  Fractions elements;
  int64_t offset = result.size() - context.rank(0);
  for (const auto &position : positionsOf(result)) {
    SmallVector<int64_t> source;
    for (auto [dim, size] : llvm::enumerate(shape(0)))
      source.push_back(position[offset + dim] % size);
    elements.push_back((*data)[linearIndex(source, shape(0))]);
  }
  return elements;
}

std::optional<Fractions> Evaluator::range(ArrayRef<int64_t> result) const {
  auto start = context.contents(0), delta = context.contents(2);
  if (!start || !delta)
    return std::nullopt;
  Fractions elements;
  for (int64_t i = 0; i < result[0]; ++i)
    elements.push_back({start->front() + delta->front() * i, 1});
  return elements;
}

/// Reductions of everything and of the only dimension.
std::optional<Fractions> Evaluator::reduce(ArrayRef<int64_t> result) const {
  auto data = context.fractions(0);
  if (!data || data->empty() || ShapedType::getNumElements(result) != 1)
    return std::nullopt;
  Fraction total = data->front();
  for (const Fraction &element : ArrayRef(*data).drop_front()) {
    std::optional<Fraction> next = combineElements(context, op, total, element);
    if (!next)
      return std::nullopt;
    total = *next;
  }
  return Fractions{total};
}

std::optional<Fractions> Evaluator::constantOfShape(ArrayRef<int64_t> result) const {
  auto value = dyn_cast_or_null<ElementsAttr>(context.attribute("value"));
  std::optional<SmallVector<int64_t>> ints = readInts(value);
  if (!ints || ints->size() != 1)
    return std::nullopt;
  return Fractions(ShapedType::getNumElements(result), {context.constantExpr(ints->front()), 1});
}

void Evaluator::split() const {
  auto data = context.fractions(0);
  if (!data || context.rank(0) != 1)
    return;
  int64_t start = 0;
  for (unsigned i = 0; i < context.numOutputs(); ++i) {
    auto type = dyn_cast<RankedTensorType>(context.getNode()->getResult(i).getType());
    if (!type || !type.hasStaticShape())
      return;
    context.setFractions(i, ArrayRef(*data).slice(start, type.getDimSize(0)));
    start += type.getDimSize(0);
  }
}

void Evaluator::run() {
  auto type = dyn_cast<RankedTensorType>(context.getNode()->getResult(0).getType());
  if (!type || !type.hasStaticShape() || type.getNumElements() > kMaxContents ||
      !type.getElementType().isIntOrFloat())
    return;
  if (op == "Split")
    return split();
  for (unsigned i = 0; i < context.numInputs(); ++i)
    if (context.hasInput(i) && !context.inputType(i).hasStaticShape())
      return;
  ArrayRef<int64_t> result = type.getShape();
  std::optional<Fractions> elements;
  if (op == "Identity" || op == "Squeeze" || op == "Unsqueeze" || op == "Reshape" ||
      op == "Flatten")
    elements = context.fractions(0);
  else if (op == "Transpose")
    elements = transpose(result);
  else if (op == "Gather")
    elements = gather(result);
  else if (op == "Concat")
    elements = concat(result);
  else if (op == "Slice")
    elements = slice(result);
  else if (op == "Expand" || (op == "Tile" && context.version() >= 6))
    elements = tile(result);
  else if (op == "Range")
    elements = range(result);
  else if (isOneOf({"ReduceSum", "ReduceProd", "ReduceMax", "ReduceMin"}))
    elements = reduce(result);
  else if (op == "ConstantOfShape")
    elements = constantOfShape(result);
  else if (context.version() >= 7 &&
           isOneOf({"Equal", "Less", "Greater", "LessOrEqual", "GreaterOrEqual",
                    "And",   "Or",   "Not",     "Where",       "Add",
                    "Sub",   "Mul",  "Div",     "Mod",         "Min",
                    "Max",   "Sum",  "Neg",     "Abs",         "Relu",
                    "Floor", "Ceil", "Round"}))
    elements = elementwise(result, context.numInputs());
  else if (op == "Cast" || op == "CastLike") // a second operand only gives the type
    elements = elementwise(result, 1);
  if (elements && elements->size() == static_cast<size_t>(type.getNumElements()))
    context.setFractions(0, *elements);
}

} // namespace

void inferContents(InferContext &context) {
  graph::NodeOp node = context.getNode();
  if (node.getDomain().empty() && node->getNumResults() > 0 && !node->hasAttr(kContentsAttr))
    Evaluator(context).run();
}

} // namespace longtail::operators
