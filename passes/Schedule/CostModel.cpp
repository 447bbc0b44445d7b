// The estimates are sums of what is known to count, with constants that were measured on x86-64
// machines with and without AVX-512. They need to be right in rank only, and only roughly: the
// dozen at the top is measured.
#include "passes/Schedule/CostModel.h"
#include <algorithm>
#include <cmath>

namespace longtail {

namespace {

constexpr double kLatency = 4;          // of a multiply-add
constexpr double kLoads = 2;            // a cycle
constexpr double kLoopCycles = 1.5;     // counting and branching of one iteration
constexpr double kTileCycles = 80;      // fetching a tile and starting the kernel
constexpr double kForkCycles = 1200;    // starting and joining threads
constexpr double kSpillCycles = 2;      // a value that is stored and loaded again
constexpr double kBlockCycles = 20;     // positions of a block of rows
constexpr double kStoreCycles = 4;      // what follows a sum, and its store
constexpr double kInstructionBytes = 7; // with a vector operand
constexpr double kNarrow = 0.05;        // for each halving of a panel
constexpr double kDecodedCode = 2048;   // bytes of a loop that cost no decoding
constexpr double kL2Bytes = 32, kL3Bytes = 14, kMemoryBytes = 6; // a cycle
constexpr double kL3 = 16 << 20;                                 // bytes of a core's share at most

/// Two things that the machine does at once, not quite without disturbing each other.
double together(double a, double b) { return std::max(a, b) + 0.15 * std::min(a, b); }

} // namespace

Machine::Machine(kernel::TargetAttr target, unsigned threads)
    : vectorBytes(target.getVectorBytes()), registers(target.getRegisters()), l1(target.getL1()),
      l2(target.getL2()), threads(std::max(1u, threads)),
      multiplyAdds(target.getVectorBytes() >= 64 ? 1 : 2) {}

double Machine::bandwidth(double bytes) const {
  if (bytes <= 0.75 * l1)
    return kLoads * vectorBytes;
  if (bytes <= 0.75 * l2)
    return kL2Bytes;
  return bytes <= kL3 ? kL3Bytes : kMemoryBytes;
}

double Machine::registersOf(double lanes, double bytes) const {
  return std::max(1.0, std::ceil(lanes * bytes / vectorBytes));
}

double Machine::onThreads(double work, double tiles) const {
  tiles = std::max(1.0, tiles);
  double rounds = std::ceil(tiles / threads);
  return work * rounds / tiles + kTileCycles * rounds +
         (threads > 1 && tiles > 1 ? kForkCycles : 0);
}

double contractionCycles(const Machine &machine, const ContractionWork &work,
                         kernel::ScheduleAttr schedule) {
  double lanes = schedule.getLanes(), vectors = schedule.getVectors(),
         unroll = schedule.getUnroll();
  double grain = schedule.getGrain();
  // Fewer rows than a block are done one by one.
  double rows = work.rows < schedule.getRows() ? 1 : schedule.getRows();
  double each = machine.registersOf(lanes, work.sumBytes), width = lanes * vectors;
  double panelCount = std::max(1.0, std::ceil(work.columns / width));
  double panels = std::min<double>(schedule.getPanels(), panelCount);
  double blocks = std::ceil(work.rows / rows);
  double blocksOfTile = std::min(grain * schedule.getRows() / rows, blocks);
  double tileRows = std::ceil(blocks / blocksOfTile);
  double tiles = work.batch * std::ceil(panelCount / panels) * tileRows;

  // One step of the reduction: products, loads and broadcasts, and the length of the chain.
  double step = std::max(
      {rows * vectors * each / machine.multiplyAdds, (vectors * each + rows) / kLoads, kLatency});
  bool isWrittenOut = work.innerDepth <= std::max(8.0, unroll);
  if (!isWrittenOut)
    step += kLoopCycles / unroll;
  double code = kInstructionBytes * (rows * vectors * each + vectors * each + rows) *
                (isWrittenOut ? work.innerDepth : unroll);
  if (code > kDecodedCode)
    step *= code > 8 * kDecodedCode ? 1.4 : 1.08;
  // Of each row of a wide panel a narrow tile reads a part.
  if (work.panelWidth > width)
    step *= 1 + kNarrow * std::log2(work.panelWidth / width);
  double outerSteps = work.depth / std::max(1.0, work.innerDepth);
  double block = work.depth * step + kBlockCycles + outerSteps * (2 * rows + 6) +
                 rows * vectors * each * kStoreCycles;

  // A panel is read again for every block of rows, the rows again for every panel.
  double panelBytes = work.depth * width * work.rightBytes;
  double rowBytes = work.depth * rows * work.leftBytes;
  double set = panelBytes + rowBytes;
  block = together(block, panelBytes / machine.bandwidth(set));
  block = together(block, rowBytes / machine.bandwidth(rowBytes * blocksOfTile + panelBytes));
  double compute = work.batch * blocks * panelCount * block;

  // Panels come from afar once for each tile of rows, unless those of a tile stay near.
  double right = work.batch * panelCount * panelBytes;
  double passes = right <= machine.l2 / 2 ? 1 : tileRows;
  double far = right / machine.bandwidth(right * 4) * passes;
  double left = work.batch * work.rows * work.depth * work.leftBytes;
  far += left / machine.bandwidth(left * 2) / std::max(1.0, outerSteps) *
         std::ceil(panelCount / panels);
  double result = work.batch * work.rows * work.columns * work.resultBytes;
  far += result / machine.bandwidth(result * 2);
  return machine.onThreads(together(compute, far), tiles);
}

double loopCycles(const Machine &machine, const LoopWork &work, kernel::ScheduleAttr schedule,
                  double tiles) {
  double lanes = schedule.getLanes(), rows = schedule.getRows();
  double sums = work.carries ? schedule.getVectors() : rows * schedule.getVectors();
  double each = lanes == 1 ? 1 : machine.registersOf(lanes, work.elementBytes);
  // Of windows side by side the loads of one serve the others.
  double operations = work.operations * each / machine.multiplyAdds;
  double loads = work.points > 1 && !work.carries ? each * (1 + 1 / rows) / kLoads : 0;
  double point = std::max({operations, loads, work.points > 1 ? kLatency / sums : 0.0});
  double live = (work.live + sums) * each;
  if (live > machine.registers)
    point += (live - machine.registers) * kSpillCycles / std::max(1.0, sums);
  double whole = std::floor(work.lanes / lanes), rest = work.lanes - whole * lanes;
  double steps = whole + (rest > 0 ? 1.3 : 0); // masks cost a little
  double atOnce = work.carries ? std::min(sums, std::max(1.0, whole)) : sums;
  double trips = steps / atOnce;
  double row = steps * point * work.points + trips * kLoopCycles + 6;
  if (work.carries)
    row += kLatency * (std::log2(std::max(2.0, lanes)) + sums);
  double compute = work.outer * row;
  double moved = work.bytes / machine.bandwidth(work.bytes);
  return machine.onThreads(together(compute, moved), tiles);
}

} // namespace longtail
