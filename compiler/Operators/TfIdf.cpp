// TfIdfVectorizer: the n-grams of the pool are a tree in which each row of tokens is walked.
#include "compiler/Operators/GridOrder.h"
#include "compiler/Operators/Text.h"
#include <map>

using namespace mlir;

namespace longtail::operators {
namespace {

using Values = GridBuilder::Values;

/// The n-grams as a tree. Tokens are numbered; edge (node, token) has the key node * tokens +
/// token.
struct Tree {
  SmallVector<StringRef> strings; // the tokens by number, or
  SmallVector<int64_t> integers;  // the same in ascending order
  int64_t tokens = 0;
  // Edges by ascending key: where they lead, and the column of the n-gram that ends there or -1.
  SmallVector<int64_t> keys, targets, columns;
};

struct Vectorizer {
  int64_t shortest, longest, skips;
  StringRef mode;
  int64_t columns;
  std::optional<SmallVector<float>> weights;
  Tree tree;
};

/// Numbers the tokens of the pool; returns the numbers in the pool's order.
SmallVector<int64_t> numberTokens(Tree &tree, ArrayRef<int64_t> integers,
                                  ArrayRef<StringRef> strings) {
  SmallVector<int64_t> numbers;
  if (strings.empty()) {
    tree.integers.assign(integers.begin(), integers.end());
    llvm::sort(tree.integers);
    tree.integers.erase(llvm::unique(tree.integers), tree.integers.end());
    for (int64_t value : integers)
      numbers.push_back(llvm::lower_bound(tree.integers, value) - tree.integers.begin());
    tree.tokens = tree.integers.size();
    return numbers;
  }
  llvm::StringMap<int64_t> known;
  for (StringRef string : strings) {
    auto [place, isNew] = known.try_emplace(string, tree.strings.size());
    if (isNew)
      tree.strings.push_back(string);
    numbers.push_back(place->second);
  }
  tree.tokens = tree.strings.size();
  return numbers;
}

FailureOr<Vectorizer> vectorizerOf(InferContext &ctx) {
  Vectorizer v;
  v.shortest = ctx.getInt("min_gram_length", 0);
  v.longest = ctx.getInt("max_gram_length", 0);
  v.skips = ctx.getInt("max_skip_count", 0);
  v.mode = ctx.getString("mode", "");
  v.weights = ctx.getFloats("weights");
  auto counts = ctx.getInts("ngram_counts"), indexes = ctx.getInts("ngram_indexes");
  auto integers = ctx.getInts("pool_int64s");
  auto strings = stringsOf(ctx, "pool_strings");
  if (v.shortest < 1 || v.longest < v.shortest || v.skips < 0)
    return ctx.error()
               << "attributes 'min_gram_length', 'max_gram_length' and 'max_skip_count' are "
               << v.shortest << ", " << v.longest << " and " << v.skips
               << ", expected 1 <= min <= max and 0 <= skips",
           failure();
  if (v.mode != "TF" && v.mode != "IDF" && v.mode != "TFIDF")
    return ctx.error() << "attribute 'mode' is '" << v.mode << "', expected 'TF', 'IDF' or 'TFIDF'",
           failure();
  if (!counts || counts->empty() || !indexes || indexes->empty())
    return ctx.error() << "attributes 'ngram_counts' and 'ngram_indexes' must not be empty",
           failure();
  bool isText = longtail::operators::isText(ctx.elementType(0));
  bool hasStrings = strings && !strings->empty(), hasIntegers = integers && !integers->empty();
  if (hasStrings == hasIntegers || hasStrings != isText)
    return ctx.error() << "attribute '" << (isText ? "pool_strings" : "pool_int64s")
                       << "' must hold the n-grams, and no other pool",
           failure();
  v.columns = *llvm::max_element(*indexes) + 1;
  if (*llvm::min_element(*indexes) < 0 || v.columns > std::numeric_limits<int32_t>::max())
    return ctx.error() << "attribute 'ngram_indexes' has a column that is negative or too large",
           failure();
  if (v.weights && v.weights->empty())
    v.weights = std::nullopt;
  if (v.weights && int64_t(v.weights->size()) < v.columns)
    return ctx.error() << "attribute 'weights' has " << v.weights->size() << " numbers for "
                       << v.columns << " columns",
           failure();

  SmallVector<int64_t> pool = numberTokens(v.tree, integers.value_or(SmallVector<int64_t>()),
                                           strings.value_or(SmallVector<StringRef>()));
  std::map<std::pair<int64_t, int64_t>, std::pair<int64_t, int64_t>> edges;
  int64_t nodes = 1, gram = 0;
  for (size_t n = 1; n <= counts->size(); ++n) {
    int64_t begin = (*counts)[n - 1];
    int64_t end = n < counts->size() ? (*counts)[n] : int64_t(pool.size());
    if (begin < 0 || end < begin || end > int64_t(pool.size()) || (end - begin) % int64_t(n) != 0)
      return ctx.error() << "attribute 'ngram_counts' does not cut the pool of " << pool.size()
                         << " tokens into n-grams",
             failure();
    for (int64_t at = begin; at < end; at += n, ++gram) {
      if (gram >= int64_t(indexes->size()))
        return ctx.error() << "attribute 'ngram_indexes' has " << indexes->size()
                           << " columns, there are more n-grams",
               failure();
      if (int64_t(n) < v.shortest || int64_t(n) > v.longest)
        continue;
      int64_t node = 0;
      for (size_t i = 0; i < n; ++i) {
        auto [edge, isNew] = edges.try_emplace({node, pool[at + i]}, std::pair(nodes, -1));
        nodes += isNew;
        node = edge->second.first;
        if (i + 1 == n)
          edge->second.second = (*indexes)[gram];
      }
    }
  }
  for (auto &[key, edge] : edges) {
    v.tree.keys.push_back(key.first * v.tree.tokens + key.second);
    v.tree.targets.push_back(edge.first);
    v.tree.columns.push_back(edge.second);
  }
  return v;
}

LogicalResult infer(InferContext &ctx) {
  Type element = ctx.elementType(0);
  if (!isText(element) && !element.isInteger(32) && !element.isInteger(64))
    return ctx.error() << "input 0 has elements of " << element << ", expected strings, i32 or i64";
  if (ctx.rank(0) > 2)
    return ctx.error() << "input 0 has rank " << ctx.rank(0) << ", expected at most 2";
  FailureOr<Vectorizer> v = vectorizerOf(ctx);
  if (failed(v))
    return failure();
  SmallVector<AffineExpr> sizes;
  if (ctx.rank(0) == 2)
    sizes.push_back(ctx.sizes(0)[0]);
  sizes.push_back(ctx.constantExpr(v->columns));
  ctx.setResult(0, Float32Type::get(ctx.getContext()), sizes);
  return success();
}

/// Emits one row: `row` gives its index, `out` is where its columns are written.
class RowEmitter {
public:
  RowEmitter(ExpandContext &ctx, const Vectorizer &v) : v(v) {
    Type i64 = IntegerType::get(ctx.getContext(), 64);
    auto constant = [&](ArrayRef<int64_t> values) -> Value {
      auto type = RankedTensorType::get(int64_t(values.size()), i64);
      return graph::ConstantOp::create(ctx.getBuilder(), ctx.getLoc(), type,
                                       denseInts(type, values), StringAttr());
    };
    keys = constant(v.tree.keys), targets = constant(v.tree.targets);
    columns = constant(v.tree.columns);
    if (v.tree.strings.empty())
      tokens = constant(v.tree.integers);
    else
      tokens = textConstant(ctx, dictionaryOf(v.tree.strings));
    if (v.weights && v.mode != "TF") {
      auto type = RankedTensorType::get(v.columns, Float32Type::get(ctx.getContext()));
      weights = graph::ConstantOp::create(
          ctx.getBuilder(), ctx.getLoc(), type,
          DenseElementsAttr::get(type, ArrayRef(*v.weights).take_front(v.columns)), StringAttr());
    }
  }

  void emit(const TextBuilder &b, Value input, AffineExpr length, Value row, Value out) {
    Value zero = b.index(0), count = b.size(length);
    Type f32 = b.builder().getF32Type();
    Value numbers = b.local(b.builder().getI64Type(), length);
    b.loop(zero, b.index(v.columns), [&](Value i) { b.store(b.number(f32, 0), out, {row, i}); });
    b.loop(zero, count,
           [&](Value i) { b.store(tokenNumber(b, b.load(input, {row, i})), numbers, i); });
    walkAll(b, numbers, count, row, out, 1, 2, v.shortest);
    // Single tokens are counted once, because nothing is skipped in them.
    if (v.longest > 1)
      walkAll(b, numbers, count, row, out, 2, v.skips + 2, std::max<int64_t>(v.shortest, 2));
    if (v.mode == "TF" || (v.mode == "TFIDF" && !weights))
      return;
    b.loop(zero, b.index(v.columns), [&](Value i) {
      Value frequency = b.fetch(out, {row, i});
      Value weight = weights ? b.load(weights, i) : b.number(f32, 1);
      Value isThere = b.cmpF(arith::CmpFPredicate::OGT, frequency, b.number(f32, 0));
      Value result = v.mode == "TFIDF" ? b.mul(weight, frequency)
                                       : b.select(isThere, weight, b.number(f32, 0));
      b.store(result, out, {row, i});
    });
  }

private:
  /// The number of a token, or -1.
  Value tokenNumber(const TextBuilder &b, Value token) {
    if (!v.tree.strings.empty())
      return b.text(compute::TextFunction::Lookup, {token, b.only(tokens)});
    Type i64 = b.builder().getI64Type();
    if (token.getType() != i64)
      token = b.make<arith::ExtSIOp>(i64, token);
    return found(b, tokens, v.tree.integers.size(), token, [&](Value at) { return b.toInt64(at); });
  }

  /// `use` of the position of `wanted` in the first `count` elements of `sorted`, or -1.
  Value found(const TextBuilder &b, Value sorted, int64_t count, Value wanted,
              function_ref<Value(Value)> use) {
    Value at = lowerBound(b, sorted, b.index(count), wanted);
    return b.choose(
        b.isBelow(at, b.index(count)),
        [&] {
          return b.choose(
              b.isSame(b.load(sorted, at), wanted), [&] { return Values{use(at)}; },
              [&] { return Values{b.number64(-1)}; });
        },
        [&] { return Values{b.number64(-1)}; })[0];
  }

  /// Counts the n-grams of at least `shortest` tokens whose tokens are `distance` apart, for each
  /// distance in [from, to).
  void walkAll(const TextBuilder &b, Value numbers, Value count, Value row, Value out, int64_t from,
               int64_t to, int64_t shortest) {
    if (v.tree.keys.empty())
      return;
    Value one = b.index(1);
    b.loop(b.index(from), b.index(to), [&](Value distance) {
      Value span = b.mul(distance, b.index(shortest - 1));
      Value starts = b.maximum(b.sub(count, span), b.index(0));
      b.loop(b.index(0), starts, [&](Value start) {
        // The node (-1: none), the number of tokens before it, the position of the next.
        b.repeatWhile(
            {b.number64(0), b.index(1), start},
            [&](ValueRange state) {
              Value isNode = b.cmpI(arith::CmpIPredicate::sge, state[0], b.number64(0));
              return b.both(b.both(isNode, b.isBelow(state[2], count)),
                            b.isBelow(state[1], b.index(v.longest + 1)));
            },
            [&](ValueRange state) {
              Value token = b.fetch(numbers, state[2]);
              Value isKnown = b.cmpI(arith::CmpIPredicate::sge, token, b.number64(0));
              Value key = b.add(b.mul(state[0], b.number64(v.tree.tokens)), token);
              Value next = b.choose(
                  isKnown,
                  [&] {
                    return Values{found(b, keys, v.tree.keys.size(), key, [&](Value edge) {
                      countAt(b, edge, state[1], shortest, row, out);
                      return b.load(targets, edge);
                    })};
                  },
                  [&] { return Values{b.number64(-1)}; })[0];
              return Values{next, b.add(state[1], one), b.add(state[2], distance)};
            });
      });
    });
  }

  void countAt(const TextBuilder &b, Value edge, Value size, int64_t shortest, Value row,
               Value out) {
    Value column = b.load(columns, edge);
    Value isGram = b.cmpI(arith::CmpIPredicate::sge, column, b.number64(0));
    Value isLong = b.isBelow(b.index(shortest - 1), size);
    b.when(b.both(isGram, isLong), [&] {
      SmallVector<Value> place{row, b.toIndex(column)};
      b.store(b.add(b.fetch(out, place), b.number(b.builder().getF32Type(), 1)), out, place);
    });
  }

  const Vectorizer &v;
  Value keys, targets, columns, tokens, weights;
};

LogicalResult expand(ExpandContext &ctx) {
  FailureOr<Vectorizer> v = vectorizerOf(ctx);
  if (failed(v))
    return failure();
  AffineExpr one = ctx.constantExpr(1);
  bool isMatrix = ctx.rank(0) == 2;
  AffineExpr rows = isMatrix ? ctx.sizes(0)[0] : one;
  AffineExpr length = ctx.rank(0) == 0 ? one : ctx.sizes(0).back();
  Value input = isMatrix ? ctx.input(0) : ctx.reshape(ctx.input(0), {one, length});
  RankedTensorType type =
      extent::tensorType({rows, ctx.constantExpr(v->columns)}, Float32Type::get(ctx.getContext()));
  RowEmitter emitter(ctx, *v);
  Value result = buildGrid(ctx, type, rows,
                           [&](const GridBuilder &grid, ValueRange points, ValueRange places) {
                             emitter.emit(TextBuilder(grid), input, length, points[0], places[0]);
                           })
                     .front();
  ctx.setValue(0, ctx.reshape(result, extent::sizesOf(ctx.resultType(0))));
  return success();
}

} // namespace

void registerTfIdf(Registry &registry) {
  registry.add({"", "TfIdfVectorizer", 9, infer, expand, 1, /*takesText=*/true});
}

} // namespace longtail::operators
