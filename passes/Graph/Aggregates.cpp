#include "passes/Graph/Aggregates.h"

using namespace mlir;

namespace longtail {

unsigned ValueKind::numParts() const {
  switch (form) {
  case Tensor:
    return 1;
  case List:
    return count;
  case Pair:
    return hasFlag ? 3 : 2;
  case Nothing:
    return 0;
  }
  return 0;
}

bool ValueKind::operator==(const ValueKind &other) const {
  return form == other.form && (form != List || count == other.count) &&
         isOptional == other.isOptional && hasFlag == other.hasFlag &&
         (form == Nothing || ofSequence == other.ofSequence);
}

Attribute ValueKind::encode(MLIRContext *context) const {
  return DenseI64ArrayAttr::get(context, {form, count, isOptional, hasFlag, ofSequence});
}

std::optional<ValueKind> ValueKind::decode(Attribute attribute) {
  auto array = dyn_cast_or_null<DenseI64ArrayAttr>(attribute);
  if (!array || array.size() != 5 || array[0] < Tensor || array[0] > Nothing || array[1] < 0)
    return std::nullopt;
  ValueKind kind;
  kind.form = static_cast<Form>(array[0]);
  kind.count = array[1];
  kind.isOptional = array[2] != 0;
  kind.hasFlag = array[3] != 0;
  kind.ofSequence = array[4] != 0;
  return kind;
}

ValueKind Aggregates::kindOf(Value value) const {
  ValueKind kind;
  if (auto found = optionals.find(value); found != optionals.end()) {
    const Optional &optional = found->second;
    if (optional.has)
      return {ValueKind::Pair, 0, true, true, optional.ofSequence};
    if (optional.value)
      kind = kindOf(optional.value);
    else
      kind.form = ValueKind::Nothing;
    kind.isOptional = true;
    return kind;
  }
  if (auto found = sequences.find(value); found != sequences.end()) {
    const Sequence &sequence = found->second;
    kind.form = sequence.isList ? ValueKind::List : ValueKind::Pair;
    kind.count = sequence.elements.size();
    kind.ofSequence = true;
  }
  return kind;
}

SmallVector<Value> Aggregates::partsOf(Value value) const {
  if (auto found = optionals.find(value); found != optionals.end()) {
    const Optional &optional = found->second;
    if (optional.has)
      return {optional.has, optional.content.data, optional.content.shapes};
    return optional.value ? partsOf(optional.value) : SmallVector<Value>();
  }
  if (auto found = sequences.find(value); found != sequences.end()) {
    const Sequence &sequence = found->second;
    return sequence.isList ? sequence.elements : SmallVector<Value>{sequence.data, sequence.shapes};
  }
  return {value};
}

std::optional<ValueKind> unify(const ValueKind &a, const ValueKind &b) {
  bool isOptional = a.isOptional || b.isOptional;
  const ValueKind &known = a.form == ValueKind::Nothing ? b : a;
  const ValueKind &other = a.form == ValueKind::Nothing ? a : b;
  bool agrees = other.form == ValueKind::Nothing || other.ofSequence == known.ofSequence;
  if (!agrees || (!isOptional && !known.ofSequence))
    return std::nullopt;
  return ValueKind{ValueKind::Pair, 0, isOptional, isOptional, known.ofSequence};
}

} // namespace longtail
