// Einsum: sums of products named by letters. Operands are taken in order, two at a time; what only
// one operand has is summed first, and each letter as soon as nothing later needs it.
#include "compiler/Operators/RegionBuilder.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;

namespace longtail::operators {
namespace {

/// A letter, or a dimension of an ellipsis: negative, -1 is the last one.
using Label = int;
using Labels = SmallVector<Label>;

struct Equation {
  SmallVector<Labels> operands;
  Labels result;
  llvm::MapVector<Label, AffineExpr> sizes;
};

/// A term's letters; an ellipsis stands for `ellipsis` dimensions.
FailureOr<Labels> parseTerm(InferContext &ctx, StringRef term, int64_t ellipsis) {
  Labels labels;
  bool seen = false;
  for (StringRef rest = term; !rest.empty();) {
    if (rest.consume_front("...")) {
      if (seen)
        return ctx.error() << "term '" << term << "' of the equation has two ellipses";
      seen = true;
      for (int64_t dim = -ellipsis; dim < 0; ++dim)
        labels.push_back(dim);
      continue;
    }
    if (!llvm::isAlpha(rest.front()))
      return ctx.error() << "the equation holds '" << rest.take_front() << "', expected letters";
    labels.push_back(rest.front());
    rest = rest.drop_front();
  }
  return labels;
}

FailureOr<Equation> parse(InferContext &ctx) {
  std::string text = ctx.getString("equation", "").str();
  llvm::erase(text, ' ');
  auto [left, right] = StringRef(text).split("->");
  bool isExplicit = StringRef(text).contains("->");
  SmallVector<StringRef> terms;
  left.split(terms, ',');
  if (terms.size() != ctx.numInputs())
    return ctx.error() << "equation '" << text << "' has " << terms.size()
                       << " terms, the node has " << ctx.numInputs() << " inputs";
  Equation equation;
  int64_t widest = 0;
  for (auto [i, term] : llvm::enumerate(terms)) {
    int64_t letters = llvm::count_if(term, [](char c) { return c != '.'; });
    int64_t ellipsis = term.contains("...") ? ctx.rank(i) - letters : 0;
    if (ellipsis < 0 || (!term.contains("...") && letters != ctx.rank(i)))
      return ctx.error() << "term '" << term << "' of the equation names " << letters
                         << " dimensions, input " << i << " has " << ctx.rank(i);
    widest = std::max(widest, ellipsis);
    FailureOr<Labels> labels = parseTerm(ctx, term, ellipsis);
    if (failed(labels))
      return failure();
    for (auto [label, size] : llvm::zip(*labels, ctx.sizes(i))) {
      auto [known, isNew] = equation.sizes.try_emplace(label, size);
      FailureOr<AffineExpr> both = isNew ? size : ctx.broadcast(known->second, size);
      if (failed(both))
        return ctx.error() << "dimension '"
                           << (label < 0 ? std::string("...") : std::string(1, char(label)))
                           << "' of the equation is " << describe(known->second) << " and "
                           << describe(size);
      equation.sizes[label] = *both;
    }
    equation.operands.push_back(std::move(*labels));
  }
  if (isExplicit) {
    FailureOr<Labels> labels = parseTerm(ctx, right, widest);
    if (failed(labels))
      return failure();
    equation.result = std::move(*labels);
    for (auto [i, label] : llvm::enumerate(equation.result))
      if (!equation.sizes.contains(label) ||
          llvm::is_contained(ArrayRef(equation.result).take_front(i), label))
        return ctx.error() << "the equation's result '" << right
                           << "' must name dimensions of the inputs, each once";
    return equation;
  }
  // Without a result: the ellipsis, then what occurs once, in alphabetical order.
  for (int64_t dim = -widest; dim < 0; ++dim)
    equation.result.push_back(dim);
  Labels once;
  for (auto &[label, size] : equation.sizes)
    if (label >= 0 && llvm::count(left, char(label)) == 1)
      once.push_back(label);
  llvm::sort(once);
  llvm::append_range(equation.result, once);
  return equation;
}

LogicalResult inferEinsum(InferContext &ctx) {
  for (unsigned i = 0; i < ctx.numInputs(); ++i)
    if (failed(requireNumber(ctx, i, "Inputs")) ||
        (i > 0 && failed(requireSameType(ctx, 0, i, "Inputs[0]", "Inputs"))))
      return failure();
  FailureOr<Equation> equation = parse(ctx);
  if (failed(equation))
    return failure();
  SmallVector<AffineExpr> sizes;
  for (Label label : equation->result)
    sizes.push_back(equation->sizes[label]);
  ctx.setResult(0, ctx.elementType(0), sizes);
  return success();
}

/// A tensor with a name for each dimension.
struct Term {
  Value tensor;
  Labels labels;
};

class Expander {
public:
  Expander(ExpandContext &ctx, Equation equation) : ctx(ctx), equation(std::move(equation)) {}

  Value run() {
    Type element = ctx.elementType(0);
    Type sum = isa<IntegerType>(element) ? element : accumulatorType(element);
    Term result{ctx.castTo(ctx.input(0), sum), equation.operands[0]};
    result = summed(result, 0);
    for (unsigned i = 1; i < equation.operands.size(); ++i)
      result =
          multiplied(result, summed({ctx.castTo(ctx.input(i), sum), equation.operands[i]}, i), i);
    Value ordered =
        ctx.read(result.tensor, accessOf(result, equation.result), sizesOf(equation.result));
    return ctx.castTo(ordered, element);
  }

private:
  SmallVector<AffineExpr> sizesOf(ArrayRef<Label> labels) {
    return llvm::map_to_vector(labels, [&](Label label) { return equation.sizes[label]; });
  }

  /// The access of `term` from a domain with these dimensions. A size of 1 stands for any.
  access::MapAttr accessOf(const Term &term, ArrayRef<Label> domain) {
    SmallVector<AffineExpr> indices;
    for (auto [label, size] : llvm::zip(term.labels, extent::sizesOf(term.tensor))) {
      unsigned dim = llvm::find(domain, label) - domain.begin();
      AffineExpr index = ctx.broadcastAccess(size, equation.sizes[label]).getMap().getResult(0);
      indices.push_back(index.replaceDims(ctx.dim(dim)));
    }
    return ctx.access(domain.size(), indices);
  }

  /// True where the result or an operand after `last` has `label`.
  bool isNeededAfter(Label label, unsigned last) const {
    if (llvm::is_contained(equation.result, label))
      return true;
    return llvm::any_of(ArrayRef(equation.operands).drop_front(last + 1),
                        [&](const Labels &labels) { return llvm::is_contained(labels, label); });
  }

  static Labels distinct(ArrayRef<Label> labels) {
    llvm::SetVector<Label> set(labels.begin(), labels.end());
    return Labels(set.begin(), set.end());
  }

  /// Operand `number` without the dimensions that nothing else has.
  Term summed(const Term &term, unsigned number) {
    Labels kept, gone;
    for (Label label : distinct(term.labels)) {
      bool elsewhere = llvm::is_contained(equation.result, label);
      for (auto [i, labels] : llvm::enumerate(equation.operands))
        elsewhere |= i != number && llvm::is_contained(labels, label);
      (elsewhere ? kept : gone).push_back(label);
    }
    if (gone.empty())
      return term;
    Labels domain(kept);
    llvm::append_range(domain, gone);
    compute::Operand operand{term.tensor, accessOf(term, domain), {}};
    Type element = getElementTypeOrSelf(term.tensor.getType());
    auto reduce = compute::buildReduce(
        ctx.getBuilder(), ctx.getLoc(), extent::tensorType(sizesOf(kept), element),
        compute::Combiner::Add, sizesOf(gone), operand,
        [](OpBuilder &, ValueRange values) { return SmallVector<Value>{values[0]}; });
    return {reduce.getOutput(), kept};
  }

  Term multiplied(const Term &a, const Term &b, unsigned number) {
    Labels all(a.labels), kept, gone;
    llvm::append_range(all, b.labels);
    for (Label label : distinct(all))
      (isNeededAfter(label, number) ? kept : gone).push_back(label);
    Type element = getElementTypeOrSelf(a.tensor.getType());
    auto type = extent::tensorType(sizesOf(kept), element);
    Labels domain(kept);
    llvm::append_range(domain, gone);
    access::MapAttr accessA = accessOf(a, domain), accessB = accessOf(b, domain);
    if (!gone.empty())
      return {compute::ContractOp::create(ctx.getBuilder(), ctx.getLoc(), type, a.tensor, b.tensor,
                                          accessA, accessB,
                                          extent::sizesMap(ctx.getContext(), sizesOf(gone))),
              kept};
    compute::Operand operands[] = {{a.tensor, accessA, {}}, {b.tensor, accessB, {}}};
    return {mapThrough(ctx, type, operands,
                       [](const RegionBuilder &b, ArrayRef<Value> v) { return b.mul(v[0], v[1]); }),
            kept};
  }

  ExpandContext &ctx;
  Equation equation;
};

LogicalResult expandEinsum(ExpandContext &ctx) {
  FailureOr<Equation> equation = parse(ctx);
  if (failed(equation))
    return failure();
  ctx.setValue(0, Expander(ctx, std::move(*equation)).run());
  return success();
}

} // namespace

void registerEinsum(Registry &registry) {
  registry.add({"", "Einsum", 12, inferEinsum, expandEinsum});
}

} // namespace longtail::operators
