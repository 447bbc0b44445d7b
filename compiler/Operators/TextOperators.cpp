// StringConcat, StringSplit and StringNormalizer.
#include "compiler/Operators/InternalNode.h"
#include "compiler/Operators/Shape.h"
#include "compiler/Operators/SizeProduct.h"
#include "compiler/Operators/Text.h"

using namespace mlir;

namespace longtail::operators {
namespace {

using compute::TextFunction;
using Values = GridBuilder::Values;

Type int64(const InferContext &ctx) { return IntegerType::get(ctx.getContext(), 64); }

//===-- StringConcat --------------------------------------------------------------------------===//

LogicalResult inferConcat(InferContext &ctx) {
  if (failed(requireText(ctx, 0, "X")) || failed(requireText(ctx, 1, "Y")))
    return failure();
  auto sizes = ctx.broadcast(ctx.sizes(0), ctx.sizes(1));
  if (failed(sizes))
    return failure();
  ctx.setResult(0, textType(ctx), *sizes);
  return success();
}

LogicalResult expandConcat(ExpandContext &ctx) {
  ctx.setValue(0, mapText(ctx, ctx.resultType(0), {ctx.input(0), ctx.input(1)},
                          [](const TextBuilder &b, ArrayRef<Value> x) {
                            return b.text(TextFunction::Join, x);
                          }));
  return success();
}

//===-- StringSplit ---------------------------------------------------------------------------===//

/// Emits `use(number, begin, end)` for each part of `string`, and returns how many there are. All
/// are i64. `delimiter` is null where parts are between white space.
Value forEachPart(const TextBuilder &b, Value string, Value delimiter, int64_t delimiterSize,
                  std::optional<int64_t> most,
                  function_ref<void(Value number, Value begin, Value end)> use) {
  Value zero = b.number64(0), one = b.number64(1);
  Value size = b.text(TextFunction::Size, string);
  auto isLess = [&](Value x, Value y) { return b.cmpI(arith::CmpIPredicate::slt, x, y); };
  // How many parts there are so far, where the next one begins, whether there is one. A delimiter
  // always has a part in front of it and one behind it, white space does not.
  Value begin = delimiter ? zero : b.text(TextFunction::Skip, {string, zero});
  Value any =
      delimiter ? b.make<arith::ConstantOp>(b.builder().getBoolAttr(true)) : isLess(begin, size);
  Values end = b.repeatWhile(
      {zero, begin, any}, [&](ValueRange state) { return state[2]; },
      [&](ValueRange state) {
        Value number = state[0], from = state[1];
        Value to = delimiter ? b.text(TextFunction::Search, {string, delimiter, from})
                             : b.text(TextFunction::Span, {string, from});
        if (most)
          to = b.select(isLess(number, b.number64(*most)), to, size);
        use(number, from, to);
        Value next = delimiter ? b.add(to, b.number64(delimiterSize))
                               : b.text(TextFunction::Skip, {string, to});
        return Values{b.add(number, one), next, isLess(delimiter ? to : next, size)};
      });
  return end[0];
}

struct Splitting {
  StringRef delimiter; // empty: white space
  std::optional<int64_t> most;
};

Splitting splittingOf(InferContext &ctx) {
  Splitting splitting{ctx.getString("delimiter", ""), {}};
  int64_t most = ctx.getInt("maxsplit", -1);
  if (most >= 0)
    splitting.most = most;
  return splitting;
}

SmallVector<RankedTensorType> countTypes(InferContext &ctx) {
  return {extent::tensorType(ctx.sizes(0), int64(ctx)),
          extent::tensorType(ctx.constantExpr(1), int64(ctx))};
}

LogicalResult inferSplitCounts(InferContext &ctx) {
  if (failed(requireInternal(ctx)))
    return failure();
  for (auto [i, type] : llvm::enumerate(countTypes(ctx)))
    ctx.setResult(i, type.getElementType(), extent::sizesOf(type));
  return success();
}

/// The number of parts of each string, and the largest.
LogicalResult expandSplitCounts(ExpandContext &ctx) {
  Splitting splitting = splittingOf(ctx);
  SmallVector<RankedTensorType> types = countTypes(ctx);
  Value delimiter;
  if (!splitting.delimiter.empty())
    delimiter = textConstant(ctx, splitting.delimiter);
  Value counts = mapText(ctx, types[0], ctx.input(0), [&](const TextBuilder &b, ArrayRef<Value> x) {
    return forEachPart(b, x[0], delimiter ? b.only(delimiter) : Value(), splitting.delimiter.size(),
                       splitting.most, [](Value, Value, Value) {});
  });
  ctx.setValue(0, counts);
  SizeProduct total(ctx.getContext(), ctx.sizes(0));
  Value flat = ctx.reshape(counts, total.expr());
  ctx.setValue(
      1, buildGrid(ctx, types[1], {}, [&](const GridBuilder &b, ValueRange, ValueRange places) {
           Value zero = b.index(0);
           Values most = b.loop(zero, b.size(total.expr()), b.integer(int64(ctx), 0),
                                [&](Value i, ValueRange before) {
                                  return Values{b.maximum(before[0], b.load(flat, i))};
                                });
           b.store(most[0], places[0], zero);
         }).front());
  return success();
}

LogicalResult inferSplit(InferContext &ctx) {
  if (failed(requireText(ctx, 0, "X")))
    return failure();
  auto counts = addInternalNode(ctx, "StringSplitCounts", 1, countTypes(ctx));
  if (failed(counts))
    return failure();
  SmallVector<AffineExpr> sizes = ctx.sizes(0);
  sizes.push_back(bindSize(ctx, (*counts)[1], ctx.constantExpr(kMaxSize)));
  ctx.setResult(0, textType(ctx), sizes);
  ctx.setResult(1, int64(ctx), ctx.sizes(0));
  return success();
}

LogicalResult expandSplit(ExpandContext &ctx) {
  Splitting splitting = splittingOf(ctx);
  Value delimiter;
  if (!splitting.delimiter.empty())
    delimiter = textConstant(ctx, splitting.delimiter);
  RankedTensorType result = ctx.resultType(0);
  SmallVector<AffineExpr> sizes = extent::sizesOf(result);
  AffineExpr parts = sizes.pop_back_val();
  Value strings = buildGrid(ctx, result, sizes,
                            [&](const GridBuilder &grid, ValueRange points, ValueRange places) {
                              TextBuilder b(grid);
                              Value string = b.load(ctx.input(0), points);
                              auto place = [&](Value number) {
                                SmallVector<Value> at(points);
                                at.push_back(number);
                                return at;
                              };
                              Value count = forEachPart(
                                  b, string, delimiter ? b.only(delimiter) : Value(),
                                  splitting.delimiter.size(), splitting.most,
                                  [&](Value number, Value begin, Value end) {
                                    b.store(b.text(TextFunction::Slice, {string, begin, end}),
                                            places[0], place(b.toIndex(number)));
                                  });
                              b.loop(b.toIndex(count), b.size(parts),
                                     [&](Value i) { b.store(b.number64(0), places[0], place(i)); });
                            })
                      .front();
  ctx.setValue(0, strings);
  if (ctx.hasOutput(1))
    ctx.setValue(1, ctx.input(1));
  return success();
}

//===-- StringNormalizer ----------------------------------------------------------------------===//

struct Normalization {
  StringRef change; // a table, or nothing
  StringRef fold;   // the table that makes stop words and strings comparable, or nothing
  SmallVector<std::string> stopWords;
};

FailureOr<Normalization> normalizationOf(InferContext &ctx) {
  Normalization result;
  StringRef change = ctx.getString("case_change_action", "NONE");
  if (change != "NONE" && change != "LOWER" && change != "UPPER")
    return ctx.error() << "attribute 'case_change_action' is '" << change
                       << "', expected 'NONE', 'LOWER' or 'UPPER'",
           failure();
  if (change != "NONE")
    result.change = change == "LOWER" ? lowerCaseTable() : upperCaseTable();
  if (ctx.getInt("is_case_sensitive", 0) == 0)
    result.fold = change == "UPPER" ? upperCaseTable() : lowerCaseTable();
  for (StringRef word : stringsOf(ctx, "stopwords").value_or(SmallVector<StringRef>()))
    result.stopWords.push_back(result.fold.empty() ? word.str()
                                                   : replaceCharacters(word, result.fold));
  return result;
}

/// How many strings stay, at least 1, and which: their positions, or -1 if none does. One more
/// position than there are strings, because there is always one.
SmallVector<RankedTensorType> keptTypes(InferContext &ctx) {
  return {extent::tensorType(ctx.constantExpr(1), int64(ctx)),
          extent::tensorType(ctx.sizes(0).back() + 1, int64(ctx))};
}

LogicalResult inferKept(InferContext &ctx) {
  if (failed(requireInternal(ctx)))
    return failure();
  for (auto [i, type] : llvm::enumerate(keptTypes(ctx)))
    ctx.setResult(i, type.getElementType(), extent::sizesOf(type));
  return success();
}

LogicalResult expandKept(ExpandContext &ctx) {
  FailureOr<Normalization> found = normalizationOf(ctx);
  if (failed(found))
    return failure();
  Normalization &plan = *found;
  AffineExpr count = ctx.sizes(0).back();
  Value strings = ctx.reshape(ctx.input(0), count);
  Value words, fold;
  if (!plan.stopWords.empty()) {
    words = textConstant(ctx, dictionaryOf(llvm::map_to_vector(
                                  plan.stopWords, [](auto &word) { return StringRef(word); })));
    if (!plan.fold.empty())
      fold = textConstant(ctx, plan.fold);
  }
  SmallVector<Value> results = buildGrid(
      ctx, keptTypes(ctx), {}, [&](const GridBuilder &grid, ValueRange, ValueRange places) {
        TextBuilder b(grid);
        Value zero = b.index(0), one = b.index(1), none = b.number64(-1);
        b.loop(zero, b.add(b.size(count), one), [&](Value i) { b.store(none, places[1], i); });
        Value kept = b.loop(zero, b.size(count), zero, [&](Value i, ValueRange state) {
          Value stays = b.make<arith::ConstantOp>(b.builder().getBoolAttr(true));
          if (words) {
            Value string = b.load(strings, i);
            if (fold)
              string = b.text(TextFunction::Replace, {string, b.only(fold)});
            Value which = b.text(TextFunction::Lookup, {string, b.only(words)});
            stays = b.cmpI(arith::CmpIPredicate::slt, which, b.number64(0));
          }
          b.when(stays, [&] { b.store(b.toInt64(i), places[1], state[0]); });
          return Values{b.select(stays, b.add(state[0], one), state[0])};
        })[0];
        b.store(b.toInt64(b.maximum(kept, one)), places[0], zero);
      });
  ctx.setValue(0, results[0]);
  ctx.setValue(1, results[1]);
  return success();
}

LogicalResult inferNormalizer(InferContext &ctx) {
  if (failed(requireText(ctx, 0, "X")) || failed(normalizationOf(ctx)))
    return failure();
  if (ctx.rank(0) != 1 && ctx.rank(0) != 2)
    return ctx.error() << "input 0 has rank " << ctx.rank(0) << ", expected 1 or 2";
  SmallVector<AffineExpr> sizes = ctx.sizes(0);
  if (sizes.size() == 2 &&
      failed(requireEqualSizes(ctx, sizes[0], ctx.constantExpr(1),
                               "the first dimension of input 0, which must be 1")))
    return failure();
  auto kept = addInternalNode(ctx, "StringNormalizerKept", 1, keptTypes(ctx));
  if (failed(kept))
    return failure();
  sizes.back() = bindSize(ctx, (*kept)[0], sizes.back() + 1);
  sizes.front() = sizes.size() == 2 ? ctx.constantExpr(1) : sizes.front();
  ctx.setResult(0, textType(ctx), sizes);
  return success();
}

LogicalResult expandNormalizer(ExpandContext &ctx) {
  FailureOr<Normalization> plan = normalizationOf(ctx);
  if (failed(plan))
    return failure();
  Value strings = ctx.reshape(ctx.input(0), ctx.sizes(0).back());
  Value change = plan->change.empty() ? Value() : textConstant(ctx, plan->change);
  RankedTensorType result = ctx.resultType(0);
  AffineExpr count = extent::sizesOf(result).back();
  Value positions = ctx.read(ctx.input(2), ctx.access(1, ctx.dim(0)), count);
  RankedTensorType flat = extent::tensorType(count, textType(ctx));
  Value changed = mapText(ctx, flat, positions, [&](const TextBuilder &b, ArrayRef<Value> x) {
    Value isThere = b.cmpI(arith::CmpIPredicate::sge, x[0], b.number64(0));
    return b.choose(
        isThere,
        [&] {
          Value string = b.load(strings, b.toIndex(x[0]));
          return Values{change ? b.text(TextFunction::Replace, {string, b.only(change)}) : string};
        },
        [&] { return Values{b.number64(0)}; })[0];
  });
  ctx.setValue(0, ctx.reshape(changed, extent::sizesOf(result)));
  return success();
}

} // namespace

void registerText(Registry &registry) {
  registry.add({"", "StringConcat", 20, inferConcat, expandConcat, 2, /*takesText=*/true});
  registry.add(
      {kInternalDomain.str(), "StringSplitCounts", 1, inferSplitCounts, expandSplitCounts});
  registry.add({"", "StringSplit", 20, inferSplit, expandSplit, 1, /*takesText=*/true});
  registry.add({kInternalDomain.str(), "StringNormalizerKept", 1, inferKept, expandKept});
  registry.add(
      {"", "StringNormalizer", 10, inferNormalizer, expandNormalizer, 1, /*takesText=*/true});
}

} // namespace longtail::operators
