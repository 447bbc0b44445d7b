// Inputs and outputs of the model that are sequences or optionals: the function has their parts.
#include "passes/Graph/FunctionInference.h"
#include "llvm/ADT/StringSet.h"

using namespace mlir;

namespace longtail {

/// What a part of a value is called, unlike anything else in `used`.
static StringAttr partName(MLIRContext *context, StringRef value, const Twine &part,
                           llvm::StringSet<> &used) {
  std::string name = (value + ":" + part).str();
  while (!used.insert(name).second)
    name += '\'';
  return StringAttr::get(context, name);
}

static SmallVector<StringAttr> partNames(MLIRContext *context, StringRef value,
                                         const ValueKind &kind, llvm::StringSet<> &used) {
  SmallVector<StringAttr> names;
  if (kind.form == ValueKind::Tensor)
    return {StringAttr::get(context, value)};
  for (unsigned i = 0; i < (kind.form == ValueKind::List ? kind.count : 0); ++i)
    names.push_back(partName(context, value, Twine(i), used));
  if (kind.form != ValueKind::Pair)
    return names;
  if (kind.hasFlag)
    names.push_back(partName(context, value, "has", used));
  names.push_back(partName(context, value, "values", used));
  names.push_back(partName(context, value, "shapes", used));
  return names;
}

/// One entry of graph::kInterfaceAttr.
static Attribute describeValue(StringAttr name, const ValueKind &kind, Type declared) {
  Builder builder(name.getContext());
  SmallVector<NamedAttribute> entry{
      builder.getNamedAttr("name", name),
      builder.getNamedAttr("parts", builder.getI64IntegerAttr(kind.numParts())),
      builder.getNamedAttr("optional", builder.getBoolAttr(kind.isOptional)),
      builder.getNamedAttr("sequence", builder.getBoolAttr(kind.ofSequence)),
      builder.getNamedAttr("flag", builder.getBoolAttr(kind.hasFlag)),
      builder.getNamedAttr("pair", builder.getBoolAttr(kind.form == ValueKind::Pair))};
  if (auto tensor = dyn_cast_or_null<RankedTensorType>(declared)) {
    SmallVector<int64_t> dims = llvm::map_to_vector(
        tensor.getShape(), [](int64_t size) { return ShapedType::isDynamic(size) ? -1 : size; });
    entry.push_back(builder.getNamedAttr("dims", builder.getDenseI64ArrayAttr(dims)));
  }
  return builder.getDictionaryAttr(entry);
}

/// The tensors in a sequence or optional, or null for another type; `kind` is how it is passed.
static ShapedType elementOf(Type type, ValueKind &kind) {
  if (auto optional = dyn_cast<graph::OptionalType>(type)) {
    kind.isOptional = kind.hasFlag = true;
    type = optional.getElement();
  } else if (!isa<graph::SequenceType>(type)) {
    return {};
  }
  kind.form = ValueKind::Pair;
  if (auto sequence = dyn_cast<graph::SequenceType>(type)) {
    kind.ofSequence = true;
    type = sequence.getElement();
  }
  auto tensor = dyn_cast<TensorType>(type);
  return tensor && isElement(tensor.getElementType()) ? cast<ShapedType>(tensor) : ShapedType();
}

LogicalResult FunctionInference::splitArguments() {
  MLIRContext *context = function.getContext();
  OpBuilder builder(&function.getBody().front(), function.getBody().front().begin());
  llvm::StringSet<> used;
  for (unsigned i = 0; i < function.getNumArguments(); ++i)
    if (auto name = function.getArgAttrOfType<StringAttr>(i, graph::kNameAttr))
      used.insert(name.getValue());
  SmallVector<Attribute> inputs;
  bool splitAny = false;
  for (unsigned index = 0; index < function.getNumArguments();) {
    BlockArgument argument = function.getArgument(index);
    auto name = function.getArgAttrOfType<StringAttr>(index, graph::kNameAttr);
    if (!name)
      name = builder.getStringAttr("input" + Twine(index));
    ValueKind kind;
    ShapedType tensor = elementOf(argument.getType(), kind);
    if (!tensor) {
      inputs.push_back(describeValue(name, {}, {}));
      ++index;
      continue;
    }
    splitAny = true;
    inputs.push_back(describeValue(name, kind, tensor));
    int64_t columns = tensor.hasRank() ? tensor.getRank() : ShapedType::kDynamic;
    SmallVector<Type> types;
    if (kind.hasFlag)
      types.push_back(RankedTensorType::get({}, builder.getI1Type()));
    types.push_back(RankedTensorType::get({ShapedType::kDynamic}, tensor.getElementType()));
    types.push_back(RankedTensorType::get({ShapedType::kDynamic, columns}, builder.getI64Type()));
    Location loc = argument.getLoc();
    SmallVector<Value> parts;
    for (auto [type, part] : llvm::zip(types, partNames(context, name, kind, used))) {
      ++index;
      auto attributes = builder.getDictionaryAttr(builder.getNamedAttr(graph::kNameAttr, part));
      if (failed(function.insertArgument(index, type, attributes, loc)))
        return failure();
      parts.push_back(function.getArgument(index));
    }
    unsigned place = index - types.size();
    function.getArgument(place).replaceAllUsesWith(assemble(builder, loc, kind, parts));
    if (failed(function.eraseArgument(place)))
      return failure();
  }
  if (splitAny)
    function->setAttr(graph::kInterfaceAttr, builder.getDictionaryAttr(builder.getNamedAttr(
                                                 "inputs", builder.getArrayAttr(inputs))));
  return success();
}

void FunctionInference::describeInterface() {
  auto described = function->getAttrOfType<DictionaryAttr>(graph::kInterfaceAttr);
  bool areTensors = llvm::none_of(resultKinds, [](auto &kind) { return kind.isAggregate(); });
  if ((described && described.get("outputs")) || (!described && areTensors))
    return;
  Builder builder(function.getContext());
  SmallVector<Attribute> inputs, outputs, attributes;
  for (unsigned i = 0; i < function.getNumArguments() && !described; ++i) {
    auto name = function.getArgAttrOfType<StringAttr>(i, graph::kNameAttr);
    inputs.push_back(
        describeValue(name ? name : builder.getStringAttr("input" + Twine(i)), {}, {}));
  }
  llvm::StringSet<> used;
  SmallVector<DictionaryAttr> results;
  function.getAllResultAttrs(results);
  results.resize(resultKinds.size(), builder.getDictionaryAttr({}));
  for (DictionaryAttr result : results)
    if (auto name = result.getAs<StringAttr>(graph::kNameAttr))
      used.insert(name.getValue());
  for (auto [i, result] : llvm::enumerate(results)) {
    const ValueKind &kind = resultKinds[i];
    auto name = result.getAs<StringAttr>(graph::kNameAttr);
    if (!name)
      name = builder.getStringAttr("output" + Twine(i));
    outputs.push_back(describeValue(name, kind, {}));
    if (kind.form == ValueKind::Tensor) {
      attributes.push_back(result);
      continue;
    }
    for (StringAttr part : partNames(function.getContext(), name, kind, used))
      attributes.push_back(builder.getDictionaryAttr(builder.getNamedAttr(graph::kNameAttr, part)));
  }
  Attribute allInputs = described ? described.get("inputs") : builder.getArrayAttr(inputs);
  function->setAttr(
      graph::kInterfaceAttr,
      builder.getDictionaryAttr({builder.getNamedAttr("inputs", allInputs),
                                 builder.getNamedAttr("outputs", builder.getArrayAttr(outputs))}));
  function.setResAttrsAttr(builder.getArrayAttr(attributes));
}

} // namespace longtail
