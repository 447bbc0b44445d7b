// How long a kernel takes, estimated: what ranks the schedules of a group before any is measured.
// All times are cycles of one core.
#pragma once
#include "dialects/Kernel/IR/Kernel.h"

namespace longtail {

/// What the estimates need to know of a machine.
struct Machine {
  Machine(kernel::TargetAttr target, unsigned threads);

  double vectorBytes, registers, l1, l2, threads;
  double multiplyAdds; // vectors that one cycle multiplies and adds

  /// Bytes that one cycle moves from where a working set of `bytes` stays.
  double bandwidth(double bytes) const;
  /// Registers of a vector of `lanes` elements of `bytes`.
  double registersOf(double lanes, double bytes) const;
  /// Work that is cut into `tiles` equal parts, on all threads.
  double onThreads(double work, double tiles) const;
};

/// A contraction of concrete sizes.
struct ContractionWork {
  double batch, rows, columns, depth;                  // depth: the product of all reduced sizes
  double innerDepth;                                   // the size of the innermost reduction loop
  double leftBytes, rightBytes, sumBytes, resultBytes; // of an element
  double panelWidth;                                   // of a packed right operand, 0 of another
};
double contractionCycles(const Machine &machine, const ContractionWork &work,
                         kernel::ScheduleAttr schedule);

/// Any other loop nest.
struct LoopWork {
  double outer;        // iterations outside of the loop of the lanes
  double lanes;        // iterations of that loop
  double points;       // of a reduction at each of them, 1 without
  double operations;   // of one point, in multiply-adds
  double live;         // values of one point that are needed at a time
  double bytes;        // of all operands and results
  double elementBytes; // of the widest element
  bool carries;        // a reduction runs along the lanes
};
/// Elements with `rows` neighbours side by side (window), or `vectors` sums (rows).
double loopCycles(const Machine &machine, const LoopWork &work, kernel::ScheduleAttr schedule,
                  double tiles);

} // namespace longtail
