// Transforms of a length that is only known when the model runs: one row after the other, the
// length split into its prime factors (Stockham's order, which needs no sorting).
#include "compiler/Operators/Fourier.h"
#include "compiler/Operators/GridBuilder.h"
#include <cmath>

using namespace mlir;

namespace longtail::operators {
namespace {

/// e^(2 pi i * k / length) for k below `length`: [length, 2].
Value rotations(ExpandContext &ctx, AffineExpr length) {
  Type f64 = Float64Type::get(ctx.getContext());
  return mapThrough(
      ctx, extent::tensorType({length, ctx.expr(2)}, f64), {},
      [&](const RegionBuilder &b, ArrayRef<Value>) {
        Value turns = b.fromIndex(b.position(0), f64);
        Value angle = b.div(b.mul(turns, b.number(f64, 2 * M_PI)), sizeAsNumber(b, length, f64));
        Value isReal = b.compare(arith::CmpIPredicate::eq, b.position(1), b.indexConstant(0));
        return b.select(isReal, b.make<math::CosOp>(angle), b.make<math::SinOp>(angle));
      });
}

struct Number {
  Value real, imaginary;
};

/// The code of one row. Its numbers are in one of two halves of a local array.
class Row {
public:
  Row(const GridBuilder &b, Value table, Value numbers, Value length, bool inverse)
      : b(b), table(table), numbers(numbers), length(length), inverse(inverse) {}

  void put(Value half, Value position, Number number) const {
    b.store(number.real, numbers, {half, position, b.index(0)});
    b.store(number.imaginary, numbers, {half, position, b.index(1)});
  }
  Number get(Value half, Value position) const {
    return {b.fetch(numbers, {half, position, b.index(0)}),
            b.fetch(numbers, {half, position, b.index(1)})};
  }

  /// Transforms what half 0 holds; returns the half of the result.
  Value run() const {
    Value one = b.index(1);
    // (what is left of the length, the distance between neighbours, the half)
    return b.repeatWhile(
        {length, one, b.index(0)}, [&](ValueRange v) { return b.isBelow(one, v[0]); },
        [&](ValueRange v) {
          Value factor = smallestFactor(v[0]);
          Value rest = b.make<arith::DivUIOp>(v[0], factor);
          Value other = b.sub(one, v[2]);
          stage(v[0], factor, rest, v[1], v[2], other);
          return GridBuilder::Values{rest, b.mul(v[1], factor), other};
        })[2];
  }

private:
  Value smallestFactor(Value n) const {
    Value two = b.index(2);
    // 4 first: fewer stages than twice 2.
    Value isFourfold = b.isSame(b.make<arith::RemUIOp>(n, b.index(4)), b.index(0));
    Value found = b.repeatWhile(
        two,
        [&](ValueRange d) {
          Value divides = b.isSame(b.make<arith::RemUIOp>(n, d[0]), b.index(0));
          Value isPast = b.isBelow(n, b.mul(d[0], d[0]));
          return b.isNot(b.either(divides, isPast));
        },
        [&](ValueRange d) { return GridBuilder::Values{b.add(d[0], b.index(1))}; })[0];
    Value divides = b.isSame(b.make<arith::RemUIOp>(n, found), b.index(0));
    found = b.select(divides, found, n);
    return b.select(isFourfold, b.index(4), found);
  }

  /// One factor p of n = p * rest: element q + step * (p * j + r) of the result is the sum over t
  /// of element q + step * (j + rest * t), rotated by r * (j + rest * t) / n of a turn.
  void stage(Value n, Value factor, Value rest, Value step, Value from, Value to) const {
    Value none = b.index(0);
    Type f64 = b.builder().getF64Type();
    b.loop(none, rest, [&](Value j) {
      b.loop(none, factor, [&](Value r) {
        b.loop(none, step, [&](Value q) {
          Value zero = b.number(f64, 0);
          // The rotation of the next element, as a position in the table, grows by `turn`.
          Value turn = b.mul(step, b.make<arith::RemUIOp>(b.mul(r, rest), n));
          Value start = b.mul(step, b.make<arith::RemUIOp>(b.mul(r, j), n));
          auto sums = b.loop(none, factor, {zero, zero, start}, [&](Value t, ValueRange v) {
            Number x = get(from, b.add(q, b.mul(step, b.add(j, b.mul(rest, t)))));
            Value c = b.load(table, {v[2], b.index(0)}), s = b.load(table, {v[2], b.index(1)});
            if (!inverse)
              s = b.negate(s);
            Value real = b.sub(b.mul(x.real, c), b.mul(x.imaginary, s));
            Value imaginary = b.add(b.mul(x.real, s), b.mul(x.imaginary, c));
            Value next = b.add(v[2], turn);
            next = b.select(b.isBelow(next, length), next, b.sub(next, length));
            return GridBuilder::Values{b.add(v[0], real), b.add(v[1], imaginary), next};
          });
          put(to, b.add(q, b.mul(step, b.add(b.mul(factor, j), r))), {sums[0], sums[1]});
        });
      });
    });
  }

  const GridBuilder &b;
  Value table, numbers, length;
  bool inverse;
};

} // namespace

Value fourierAtRunTime(ExpandContext &ctx, Value signal, const Fourier &transform) {
  SmallVector<AffineExpr> sizes = extent::sizesOf(signal), batch(sizes);
  int64_t parts = cast<RankedTensorType>(signal.getType()).getShape().back();
  batch.truncate(sizes.size() - 2);
  Type f64 = Float64Type::get(ctx.getContext());
  SmallVector<AffineExpr> result(batch);
  result.append({transform.wanted, ctx.expr(transform.realOnly ? 1 : 2)});
  Value table = rotations(ctx, transform.length);
  auto body = [&](const GridBuilder &b, ValueRange points, ValueRange places) {
    Value numbers = b.local(f64, {ctx.expr(2), transform.length, ctx.expr(2)});
    Value none = b.index(0), one = b.index(1), length = b.size(transform.length);
    Row row(b, table, numbers, length, transform.inverse);
    auto at = [&](Value position, Value part) {
      SmallVector<Value> indices(points);
      indices.append({position, part});
      return indices;
    };
    b.loop(none, length, [&](Value i) {
      Value imaginary = parts == 2 ? b.load(signal, at(i, one)) : b.number(f64, 0);
      row.put(none, i, {b.load(signal, at(i, none)), imaginary});
    });
    Value half = row.run();
    b.loop(none, b.size(transform.wanted), [&](Value k) {
      Number number = row.get(half, k);
      b.store(number.real, places[0], at(k, none));
      if (!transform.realOnly)
        b.store(number.imaginary, places[0], at(k, one));
    });
  };
  return buildGrid(ctx, extent::tensorType(result, f64), batch, body)[0];
}

} // namespace longtail::operators
