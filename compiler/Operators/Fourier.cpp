// Transforms of known length n. Where n = a * b: with positions n1 * b + n2 and frequencies
// k1 + a * k2, transforms of length a over n1, a rotation by n2 * k1 / n of a turn, transforms of
// length b over n2. Short ones are contractions with a matrix; a length with a large prime factor
// becomes a convolution of a power of 2 (Bluestein).
#include "compiler/Operators/Fourier.h"
#include "compiler/Operators/Elements.h"
#include "llvm/Support/MathExtras.h"
#include <cmath>
#include <complex>

using namespace mlir;

namespace longtail::operators {
namespace {

using Complex = std::complex<double>;
using Exprs = SmallVector<AffineExpr>;

/// Lengths up to this are one contraction.
constexpr int64_t kDirect = 32;
/// Primes up to this, likewise: splitting is not possible, a convolution more work.
constexpr int64_t kDirectPrime = 128;

/// e^(2 pi i * turns / n), exact at quarters of a turn.
Complex rotation(int64_t turns, int64_t n) {
  turns %= n;
  if (turns < 0)
    turns += n;
  if (4 * turns % n == 0) {
    constexpr Complex quarters[] = {{1, 0}, {0, 1}, {-1, 0}, {0, -1}};
    return quarters[4 * turns / n];
  }
  double angle = 2 * M_PI * static_cast<double>(turns) / static_cast<double>(n);
  return {std::cos(angle), std::sin(angle)};
}

/// The transform of numbers that are known now; their count is a power of 2.
std::vector<Complex> transformNow(const std::vector<Complex> &values) {
  size_t n = values.size();
  if (n == 1)
    return values;
  std::vector<Complex> even, odd, result(n);
  for (size_t i = 0; i < n; i += 2) {
    even.push_back(values[i]);
    odd.push_back(values[i + 1]);
  }
  even = transformNow(even);
  odd = transformNow(odd);
  for (size_t k = 0; k < n / 2; ++k) {
    Complex turned = rotation(-static_cast<int64_t>(k), n) * odd[k];
    result[k] = even[k] + turned;
    result[k + n / 2] = even[k] - turned;
  }
  return result;
}

/// A divisor of `n` for the first of as few stages as possible, of nearly equal lengths; 1 where
/// all primes in it are too large.
int64_t firstFactor(int64_t n) {
  double stages = std::ceil(std::log(double(n)) / std::log(double(kDirect)));
  double target = std::log(double(n)) / std::max(stages, 2.0);
  int64_t best = 1;
  auto distance = [&](int64_t d) { return std::abs(std::log(double(d)) - target); };
  for (int64_t d = 2; d <= kDirectPrime && d < n; ++d)
    if (n % d == 0 && (best == 1 || distance(d) < distance(best)))
      best = d;
  return best;
}

class TransformBuilder {
public:
  TransformBuilder(ExpandContext &ctx, bool inverse)
      : ctx(ctx), sign(inverse ? 1 : -1), f64(Float64Type::get(ctx.getContext())) {}

  Value run(Value signal, int64_t n, int64_t wanted, bool realOnly) {
    if (n <= kDirect)
      return direct(signal, n, wanted, realOnly);
    if (int64_t a = firstFactor(n); a != 1)
      return split(signal, a, n / a, wanted, realOnly);
    return n <= kDirectPrime ? direct(signal, n, wanted, realOnly)
                             : convolved(signal, n, wanted, realOnly);
  }

private:
  AffineExpr dim(unsigned i) const { return ctx.dim(i); }
  AffineExpr expr(int64_t value) const { return ctx.expr(value); }
  Exprs dims(unsigned count) const {
    Exprs result;
    for (unsigned i = 0; i < count; ++i)
      result.push_back(dim(i));
    return result;
  }
  static int64_t partsOf(Value value) {
    return cast<RankedTensorType>(value.getType()).getShape().back();
  }
  static Exprs batchOf(Value signal) {
    Exprs sizes = extent::sizesOf(signal);
    sizes.truncate(sizes.size() - 2);
    return sizes;
  }
  Value constant(ArrayRef<int64_t> shape, ArrayRef<double> values) const {
    auto type = RankedTensorType::get(shape, f64);
    return graph::ConstantOp::create(ctx.getBuilder(), ctx.getLoc(), type,
                                     DenseElementsAttr::get(type, values), StringAttr());
  }

  /// The matrix of a transform: [position, part of the input, frequency, part of the result].
  Value matrix(int64_t n, int64_t inParts, int64_t wanted, int64_t outParts) const {
    std::vector<double> values;
    for (int64_t i = 0; i < n; ++i)
      for (int64_t in = 0; in < inParts; ++in)
        for (int64_t k = 0; k < wanted; ++k) {
          Complex factor = rotation(sign * (i * k), n) * (in ? Complex(0, 1) : Complex(1, 0));
          values.push_back(factor.real());
          if (outParts == 2)
            values.push_back(factor.imag());
        }
    return constant({n, inParts, wanted, outParts}, values);
  }

  Value direct(Value signal, int64_t n, int64_t wanted, bool realOnly) const {
    Exprs sizes = batchOf(signal);
    unsigned batch = sizes.size(), rank = batch + 2;
    int64_t parts = partsOf(signal);
    sizes.append({expr(wanted), expr(realOnly ? 1 : 2)});
    Exprs lhs = dims(batch);
    lhs.append({dim(rank), dim(rank + 1)});
    Exprs rhs{dim(rank), dim(rank + 1), dim(batch), dim(batch + 1)};
    return compute::ContractOp::create(
        ctx.getBuilder(), ctx.getLoc(), extent::tensorType(sizes, f64), signal,
        matrix(n, parts, wanted, realOnly ? 1 : 2), ctx.access(rank + 2, lhs),
        ctx.access(rank + 2, rhs), extent::sizesMap(ctx.getContext(), {expr(n), expr(parts)}));
  }

  /// Complex products with a table over the dimensions before the last: [batch..., shape..., 2].
  /// `at(part)` is the access of one part of `signal`, which has `parts` of them.
  Value rotated(Value signal, int64_t parts, ArrayRef<AffineExpr> batch, ArrayRef<int64_t> shape,
                ArrayRef<Complex> table, llvm::function_ref<access::MapAttr(AffineExpr)> at) const {
    SmallVector<double> own, other;
    for (Complex factor : table) {
      own.append({factor.real(), parts == 2 ? factor.real() : factor.imag()});
      other.append({-factor.imag(), factor.imag()});
    }
    Exprs sizes(batch), where;
    for (auto [i, size] : llvm::enumerate(shape)) {
      sizes.push_back(expr(size));
      where.push_back(dim(batch.size() + i));
    }
    sizes.push_back(expr(2));
    AffineExpr part = dim(sizes.size() - 1);
    where.push_back(part);
    SmallVector<int64_t> tableShape(shape);
    tableShape.push_back(2);
    access::MapAttr tableAccess = ctx.access(sizes.size(), where);
    TypedAttr zero = scalarAttr(f64, 0);
    SmallVector<compute::Operand> operands;
    auto add = [&](AffineExpr from, ArrayRef<double> factors) {
      access::MapAttr access = at(from);
      operands.push_back({signal, access, access.isTotal() ? TypedAttr() : zero});
      operands.push_back({constant(tableShape, factors), tableAccess, {}});
    };
    add(parts == 2 ? part : expr(0), own);
    if (parts == 2)
      add(1 - part, other);
    return mapThrough(ctx, extent::tensorType(sizes, f64), operands,
                      [&](const RegionBuilder &b, ArrayRef<Value> v) {
                        Value product = b.mul(v[0], v[1]);
                        return parts == 2 ? b.add(product, b.mul(v[2], v[3])) : product;
                      });
  }

  Value split(Value signal, int64_t a, int64_t n2, int64_t wanted, bool realOnly) {
    Exprs batch = batchOf(signal);
    unsigned outer = batch.size();
    int64_t parts = partsOf(signal);
    // [batch, n2, n1, part]: transforms over n1.
    Exprs sizes(batch), indices = dims(outer);
    sizes.append({expr(n2), expr(a), expr(parts)});
    indices.append({dim(outer + 1) * n2 + dim(outer), dim(outer + 2)});
    Value columns = ctx.read(signal, ctx.access(outer + 3, indices), sizes);
    Value first = direct(columns, a, a, /*realOnly=*/false); // [batch, n2, k1, part]
    SmallVector<Complex> table;
    for (int64_t k = 0; k < a; ++k)
      for (int64_t i = 0; i < n2; ++i)
        table.push_back(rotation(sign * (i * k), a * n2));
    Value turned = rotated(first, 2, batch, {a, n2}, table, [&](AffineExpr part) {
      Exprs indices = dims(outer);
      indices.append({dim(outer + 1), dim(outer), part});
      return ctx.access(outer + 3, indices);
    });                                                             // [batch, k1, n2, part]
    Value second = run(turned, n2, (wanted + a - 1) / a, realOnly); // [batch, k1, k2, part]
    Exprs result(batch), from = dims(outer);
    result.append({expr(wanted), expr(realOnly ? 1 : 2)});
    from.append({dim(outer) % a, dim(outer).floorDiv(a), dim(outer + 1)});
    return ctx.read(second, ctx.access(outer + 2, from), result);
  }

  /// With n * k = (n^2 + k^2 - (k - n)^2) / 2 the transform is a convolution of rotated values.
  Value convolved(Value signal, int64_t n, int64_t wanted, bool realOnly) {
    Exprs batch = batchOf(signal);
    unsigned outer = batch.size();
    int64_t size = llvm::PowerOf2Ceil(2 * n - 1);
    auto chirp = [&](int64_t i) { return rotation(sign * (i * i % (2 * n)), 2 * n); };
    SmallVector<Complex> before(size), after;
    std::vector<Complex> kernel(size);
    for (int64_t i = 0; i < n; ++i) {
      before[i] = chirp(i);
      kernel[i] = kernel[(size - i) % size] = std::conj(chirp(i)) / double(size);
    }
    for (int64_t k = 0; k < wanted; ++k)
      after.push_back(chirp(k));
    kernel = transformNow(kernel);
    auto at = [&](AffineExpr part) {
      Exprs indices = dims(outer);
      indices.append({dim(outer), part});
      return ctx.access(outer + 2, indices);
    };
    Value padded = rotated(signal, partsOf(signal), batch, size, before, [&](AffineExpr part) {
      Exprs indices = dims(outer);
      indices.append({dim(outer), part});
      return ctx.access(outer + 2, indices, dim(outer), expr(n));
    });
    Value spectrum = TransformBuilder(ctx, /*inverse=*/false).run(padded, size, size, false);
    Value product = rotated(spectrum, 2, batch, size, kernel, at);
    Value sums = TransformBuilder(ctx, /*inverse=*/true).run(product, size, wanted, false);
    Value result = rotated(sums, 2, batch, wanted, after, at);
    if (!realOnly)
      return result;
    Exprs sizes(batch);
    sizes.append({expr(wanted), expr(1)});
    return ctx.read(result, at(expr(0)), sizes);
  }

  ExpandContext &ctx;
  int64_t sign;
  Type f64;
};

} // namespace

Value fourierTransform(ExpandContext &ctx, Value signal, const Fourier &transform) {
  auto length = dyn_cast<AffineConstantExpr>(transform.length);
  auto wanted = dyn_cast<AffineConstantExpr>(transform.wanted);
  if (!length || !wanted || length.getValue() > int64_t(1) << 22)
    return fourierAtRunTime(ctx, signal, transform);
  return TransformBuilder(ctx, transform.inverse)
      .run(signal, length.getValue(), wanted.getValue(), transform.realOnly);
}

} // namespace longtail::operators
