// Pattern -> tree -> nondeterministic automaton over bytes -> deterministic, minimal automaton.
#include "compiler/Operators/RegularExpression.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/Support/ConvertUTF.h"
#include "llvm/Support/Endian.h"
#include <map>

using namespace llvm;

namespace longtail::operators {
namespace {

constexpr uint32_t kMaxCode = 0x10ffff;
constexpr unsigned kMaxRepeat = 1000; // RE2's
constexpr unsigned kMaxDepth = 200;   // of groups
constexpr size_t kMaxNodes = 50000;   // of the nondeterministic automaton
constexpr size_t kMaxStates = 10000;
constexpr size_t kMaxMembers = 4000000; // of all states together
constexpr size_t kMaxWork = 200000000;  // nodes that are looked at: a second or so

/// Characters from `low` to `high`.
struct Range {
  uint32_t low, high;
};
using Ranges = SmallVector<Range, 4>;

/// Sorted, without overlaps and without halves of surrogate pairs, which UTF-8 does not have.
Ranges normalized(Ranges ranges) {
  llvm::sort(ranges, [](Range a, Range b) { return a.low < b.low; });
  Ranges result;
  for (Range range : ranges)
    if (!result.empty() && range.low <= result.back().high + 1)
      result.back().high = std::max(result.back().high, range.high);
    else
      result.push_back(range);
  return result;
}

Ranges complement(const Ranges &ranges) {
  Ranges result;
  uint32_t next = 0;
  for (Range range : normalized(ranges)) {
    if (range.low > next)
      result.push_back({next, range.low - 1});
    next = range.high + 1;
  }
  if (next <= kMaxCode)
    result.push_back({next, kMaxCode});
  return result;
}

/// The classes that a letter behind a backslash names, in lower case.
std::optional<Ranges> perlClass(char letter) {
  switch (letter) {
  case 'd':
    return Ranges{{'0', '9'}};
  case 's':
    return Ranges{{'\t', '\n'}, {'\f', '\r'}, {' ', ' '}};
  case 'w':
    return Ranges{{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}};
  default:
    return std::nullopt;
  }
}

std::optional<Ranges> posixClass(StringRef name) {
  return StringSwitch<std::optional<Ranges>>(name)
      .Case("alnum", Ranges{{'0', '9'}, {'A', 'Z'}, {'a', 'z'}})
      .Case("alpha", Ranges{{'A', 'Z'}, {'a', 'z'}})
      .Case("ascii", Ranges{{0, 0x7f}})
      .Case("blank", Ranges{{'\t', '\t'}, {' ', ' '}})
      .Case("cntrl", Ranges{{0, 0x1f}, {0x7f, 0x7f}})
      .Case("digit", Ranges{{'0', '9'}})
      .Case("graph", Ranges{{'!', '~'}})
      .Case("lower", Ranges{{'a', 'z'}})
      .Case("print", Ranges{{' ', '~'}})
      .Case("punct", Ranges{{'!', '/'}, {':', '@'}, {'[', '`'}, {'{', '~'}})
      .Case("space", Ranges{{'\t', '\r'}, {' ', ' '}})
      .Case("upper", Ranges{{'A', 'Z'}})
      .Case("word", Ranges{{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}})
      .Case("xdigit", Ranges{{'0', '9'}, {'A', 'F'}, {'a', 'f'}})
      .Default(std::nullopt);
}

//===-- Nondeterministic automaton ------------------------------------------------------------===//

/// A node waits for a byte of a range, or goes on without one.
struct Node {
  enum Kind : uint8_t { Byte, Split, AtStart, AtEnd, AtBoundary, NotAtBoundary, Accept } kind;
  uint8_t low = 0, high = 0;
  uint32_t next = 0, other = 0; // `other` of Split
};

/// A piece of the automaton: where it begins, and the exits that wait for their target, as
/// (node, whether it is `other`).
struct Piece {
  uint32_t start;
  SmallVector<std::pair<uint32_t, bool>, 2> exits;
};

class Parser {
public:
  explicit Parser(StringRef pattern) : rest(pattern), whole(pattern) {}

  Error parse(std::vector<Node> &out, uint32_t &start);

private:
  struct Flags {
    bool foldCase = false, dotAll = false;
  };

  Expected<Piece> alternatives(Flags &flags);
  Expected<Piece> sequence(Flags &flags);
  Expected<Piece> repeated(Flags &flags);
  Expected<Piece> atom(Flags &flags);
  Expected<Piece> group(Flags &flags);
  Expected<Piece> escape(Flags flags);
  Expected<Ranges> bracket(Flags flags);
  Expected<uint32_t> character();
  Expected<uint32_t> escapedCharacter();
  /// The bounds of {n}, {n,} or {n,m}; nothing where the braces are literal.
  std::optional<std::pair<unsigned, std::optional<unsigned>>> bounds();

  Error fail(const Twine &what) {
    return createStringError("position " + Twine(whole.size() - rest.size()) + ": " + what);
  }

  uint32_t add(Node node) {
    nodes.push_back(node);
    return nodes.size() - 1;
  }
  void connect(Piece &piece, uint32_t target) {
    for (auto [node, isOther] : piece.exits)
      (isOther ? nodes[node].other : nodes[node].next) = target;
    piece.exits.clear();
  }
  Piece empty() { // a split whose ways are the same
    uint32_t node = add({Node::Split});
    return {node, {{node, false}, {node, true}}};
  }
  Piece join(Piece a, Piece b) {
    connect(a, b.start);
    return {a.start, std::move(b.exits)};
  }
  Piece either(Piece a, Piece b) {
    uint32_t node = add({Node::Split, 0, 0, a.start, b.start});
    llvm::append_range(a.exits, b.exits);
    return {node, std::move(a.exits)};
  }
  Piece optional(Piece a) {
    uint32_t node = add({Node::Split, 0, 0, a.start, 0});
    a.exits.push_back({node, true});
    return {node, std::move(a.exits)};
  }
  Piece star(Piece a) {
    uint32_t node = add({Node::Split, 0, 0, a.start, 0});
    connect(a, node);
    return {node, {{node, true}}};
  }
  Piece bytes(ArrayRef<std::pair<uint8_t, uint8_t>> sequence);
  Piece nothing() { // a byte that cannot be
    uint32_t node = add({Node::Byte, 1, 0});
    return {node, {}};
  }
  void addUtf8(uint32_t low, uint32_t high, std::optional<Piece> &piece);
  Piece characters(Ranges ranges, bool foldCase);
  /// A copy of the nodes in [begin, end), which make up `piece`.
  Piece copy(const Piece &piece, uint32_t begin, uint32_t end);

  StringRef rest, whole;
  std::vector<Node> nodes;
  unsigned depth = 0;
};

Piece Parser::bytes(ArrayRef<std::pair<uint8_t, uint8_t>> sequence) {
  std::optional<Piece> result;
  for (auto [low, high] : sequence) {
    uint32_t node = add({Node::Byte, low, high});
    Piece piece{node, {{node, false}}};
    result = result ? join(std::move(*result), std::move(piece)) : std::move(piece);
  }
  return std::move(*result);
}

/// Adds the encodings of a range as alternatives of sequences of byte ranges. The range is cut
/// until all bytes but the last prefix are the same or run over all their values.
void Parser::addUtf8(uint32_t low, uint32_t high, std::optional<Piece> &piece) {
  for (uint32_t limit : {0x7fu, 0x7ffu, 0xffffu})
    if (low <= limit && high > limit) {
      addUtf8(low, limit, piece);
      return addUtf8(limit + 1, high, piece);
    }
  if (low <= 0xdfff && high >= 0xd800) { // halves of pairs have no encoding
    if (low < 0xd800)
      addUtf8(low, 0xd7ff, piece);
    if (high > 0xdfff)
      addUtf8(0xe000, high, piece);
    return;
  }
  unsigned length = low <= 0x7f ? 1 : low <= 0x7ff ? 2 : low <= 0xffff ? 3 : 4;
  for (unsigned i = 1; i < length; ++i) {
    uint32_t mask = (1u << (6 * i)) - 1;
    if ((low & ~mask) == (high & ~mask))
      continue;
    if ((low & mask) != 0) {
      addUtf8(low, low | mask, piece);
      return addUtf8((low | mask) + 1, high, piece);
    }
    if ((high & mask) != mask) {
      addUtf8(low, (high & ~mask) - 1, piece);
      return addUtf8(high & ~mask, high, piece);
    }
  }
  auto encode = [&](uint32_t code, unsigned i) -> uint8_t {
    static constexpr uint8_t kLead[] = {0, 0, 0xc0, 0xe0, 0xf0};
    uint32_t bits = code >> (6 * (length - 1 - i));
    return i == 0 ? kLead[length] | bits : 0x80 | (bits & 0x3f);
  };
  SmallVector<std::pair<uint8_t, uint8_t>, 4> sequence;
  for (unsigned i = 0; i < length; ++i)
    sequence.push_back({encode(low, i), encode(high, i)});
  Piece made = bytes(sequence);
  piece = piece ? either(std::move(*piece), std::move(made)) : std::move(made);
}

Piece Parser::characters(Ranges ranges, bool foldCase) {
  if (foldCase) {
    size_t count = ranges.size();
    for (size_t i = 0; i < count; ++i)
      for (auto [from, shift] : {std::pair('a', -32), std::pair('A', 32)}) {
        uint32_t low = std::max<uint32_t>(ranges[i].low, from);
        uint32_t high = std::min<uint32_t>(ranges[i].high, from + 25);
        if (low <= high)
          ranges.push_back({low + shift, high + shift});
      }
  }
  std::optional<Piece> piece;
  for (Range range : normalized(ranges))
    addUtf8(range.low, range.high, piece);
  return piece ? std::move(*piece) : nothing();
}

Piece Parser::copy(const Piece &piece, uint32_t begin, uint32_t end) {
  uint32_t shift = nodes.size() - begin;
  for (uint32_t i = begin; i < end; ++i) {
    Node node = nodes[i];
    node.next += shift;
    node.other += shift;
    nodes.push_back(node);
  }
  Piece result{piece.start + shift, {}};
  for (auto [node, isOther] : piece.exits)
    result.exits.push_back({node + shift, isOther});
  return result;
}

Error Parser::parse(std::vector<Node> &out, uint32_t &start) {
  Flags flags;
  Expected<Piece> piece = alternatives(flags);
  if (!piece)
    return piece.takeError();
  if (!rest.empty())
    return fail("')' without '('");
  connect(*piece, add({Node::Accept}));
  start = piece->start;
  out = std::move(nodes);
  return Error::success();
}

Expected<Piece> Parser::alternatives(Flags &flags) {
  Expected<Piece> piece = sequence(flags);
  while (piece && rest.consume_front("|")) {
    Expected<Piece> next = sequence(flags);
    if (!next)
      return next.takeError();
    piece = either(std::move(*piece), std::move(*next));
  }
  return piece;
}

Expected<Piece> Parser::sequence(Flags &flags) {
  Piece piece = empty();
  while (!rest.empty() && rest.front() != '|' && rest.front() != ')') {
    if (rest.consume_front("\\Q")) {
      auto [literal, behind] = rest.split("\\E");
      rest = literal;
      while (!rest.empty()) {
        Expected<uint32_t> code = character();
        if (!code)
          return code.takeError();
        piece = join(std::move(piece), characters({{*code, *code}}, flags.foldCase));
      }
      rest = behind;
      continue;
    }
    Expected<Piece> next = repeated(flags);
    if (!next)
      return next.takeError();
    piece = join(std::move(piece), std::move(*next));
  }
  return piece;
}

std::optional<std::pair<unsigned, std::optional<unsigned>>> Parser::bounds() {
  StringRef text = rest;
  unsigned low, high;
  if (!text.consume_front("{") || text.consumeInteger(10, low))
    return std::nullopt;
  std::optional<unsigned> most = low;
  if (text.consume_front(",")) {
    most = std::nullopt;
    if (!text.starts_with("}")) {
      if (text.consumeInteger(10, high))
        return std::nullopt;
      most = high;
    }
  }
  if (!text.consume_front("}"))
    return std::nullopt;
  rest = text;
  return std::pair(low, most);
}

Expected<Piece> Parser::repeated(Flags &flags) {
  uint32_t begin = nodes.size();
  Expected<Piece> piece = atom(flags);
  if (!piece)
    return piece;
  bool repeats = false;
  for (;;) {
    unsigned low = 0;
    std::optional<unsigned> high;
    if (rest.consume_front("+"))
      low = 1;
    else if (rest.consume_front("?"))
      high = 1;
    else if (rest.consume_front("*"))
      ;
    else if (auto found = bounds())
      std::tie(low, high) = *found;
    else
      return piece;
    if (repeats)
      return fail("two repetitions in a row");
    if (low > kMaxRepeat || high.value_or(0) > kMaxRepeat || (high && *high < low))
      return fail("a repetition must be of at most " + Twine(kMaxRepeat) +
                  " times, the lower bound first");
    rest.consume_front("?"); // which match is found first does not matter
    repeats = true;
    uint32_t end = nodes.size();
    unsigned copies = std::max(high.value_or(low), 1u);
    if (size_t(copies) * (end - begin) > kMaxNodes || nodes.size() > kMaxNodes)
      return fail("the pattern is too large");
    // All copies but the first are made before its exits are connected.
    SmallVector<Piece> all{std::move(*piece)};
    for (unsigned i = 1; i < copies + !high; ++i)
      all.push_back(copy(all.front(), begin, end));
    if (!high) {
      // low copies, then any number; where low is 0, one piece repeats.
      if (low == 0) {
        piece = star(std::move(all.front()));
        continue;
      }
      Piece result = std::move(all.front());
      for (unsigned i = 1; i < low; ++i)
        result = join(std::move(result), std::move(all[i]));
      piece = join(std::move(result), star(std::move(all[low])));
      continue;
    }
    // x{2,4} is xx(x(x)?)?
    Piece result = empty();
    std::optional<Piece> tail;
    for (unsigned i = *high; i > low; --i) {
      Piece one = std::move(all[i - 1]);
      tail = optional(tail ? join(std::move(one), std::move(*tail)) : std::move(one));
    }
    for (unsigned i = 0; i < low; ++i)
      result = join(std::move(result), std::move(all[i]));
    piece = tail ? join(std::move(result), std::move(*tail)) : std::move(result);
  }
}

Expected<uint32_t> Parser::character() {
  auto *begin = rest.bytes_begin();
  const UTF8 *at = begin;
  UTF32 code = 0, *out = &code;
  auto *first = reinterpret_cast<const UTF8 *>(at);
  unsigned length = getNumBytesForUTF8(*first);
  if (length > rest.size() ||
      ConvertUTF8toUTF32(&at, at + length, &out, out + 1, strictConversion) != conversionOK)
    return fail("the pattern is not UTF-8");
  rest = rest.drop_front(length);
  return uint32_t(code);
}

/// One character behind a backslash.
Expected<uint32_t> Parser::escapedCharacter() {
  if (rest.empty())
    return fail("the pattern ends in a backslash");
  char c = rest.front();
  if (c == 'x') {
    StringRef digits, text = rest.drop_front();
    if (text.consume_front("{")) {
      size_t close = text.find('}');
      if (close == StringRef::npos)
        return fail("'\\x{' without '}'");
      digits = text.take_front(close);
      text = text.drop_front(close + 1);
    } else {
      digits = text.take_front(2);
      text = text.drop_front(std::min<size_t>(2, text.size()));
      if (digits.size() != 2)
        return fail("'\\x' needs two digits");
    }
    uint32_t code;
    if (digits.getAsInteger(16, code) || code > kMaxCode)
      return fail("'\\x' is followed by no number of a character");
    rest = text;
    return code;
  }
  if (c >= '0' && c <= '7') {
    // Up to three octal digits; one alone would be a reference to a group, except \0.
    StringRef digits = rest.take_while([](char d) { return d >= '0' && d <= '7'; }).take_front(3);
    if (c != '0' && digits.size() < 2)
      return fail("references to groups are not regular");
    uint32_t code;
    (void)digits.getAsInteger(8, code);
    rest = rest.drop_front(digits.size());
    return code;
  }
  if (uint8_t(c) >= 0x80 || isAlnum(c)) {
    static constexpr StringLiteral kNames = "aftnrv", kCodes = "\a\f\t\n\r\v";
    size_t found = kNames.find(c);
    if (found == StringRef::npos)
      return fail("'\\" + Twine(c) + "' is not supported");
    rest = rest.drop_front();
    return uint32_t(kCodes[found]);
  }
  rest = rest.drop_front();
  return uint32_t(c);
}

Expected<Piece> Parser::escape(Flags flags) {
  char c = rest.empty() ? '\0' : rest.front();
  if (auto ranges = perlClass(toLower(c))) {
    rest = rest.drop_front();
    return characters(isLower(c) ? *ranges : complement(*ranges), false);
  }
  static constexpr StringLiteral kAssertions = "AzbB";
  static constexpr Node::Kind kKinds[] = {Node::AtStart, Node::AtEnd, Node::AtBoundary,
                                          Node::NotAtBoundary};
  if (size_t found = kAssertions.find(c); found != StringRef::npos) {
    rest = rest.drop_front();
    uint32_t node = add({kKinds[found]});
    return Piece{node, {{node, false}}};
  }
  Expected<uint32_t> code = escapedCharacter();
  if (!code)
    return code.takeError();
  return characters({{*code, *code}}, flags.foldCase);
}

Expected<Ranges> Parser::bracket(Flags flags) {
  bool negated = rest.consume_front("^");
  Ranges ranges;
  for (bool first = true; first || !rest.starts_with("]"); first = false) {
    if (rest.empty())
      return fail("'[' without ']'");
    if (rest.starts_with("[:")) {
      size_t end = rest.find(":]");
      if (end != StringRef::npos) {
        StringRef name = rest.slice(2, end);
        bool not_ = name.consume_front("^");
        auto found = posixClass(name);
        if (!found)
          return fail("there is no class '[:" + name + ":]'");
        llvm::append_range(ranges, not_ ? complement(*found) : *found);
        rest = rest.drop_front(end + 2);
        continue;
      }
    }
    auto one = [&]() -> Expected<uint32_t> {
      return rest.consume_front("\\") ? escapedCharacter() : character();
    };
    if (rest.size() > 1 && rest.front() == '\\')
      if (auto found = perlClass(toLower(rest[1]))) {
        llvm::append_range(ranges, isLower(rest[1]) ? *found : complement(*found));
        rest = rest.drop_front(2);
        continue;
      }
    Expected<uint32_t> low = one();
    if (!low)
      return low.takeError();
    uint32_t high = *low;
    if (rest.size() > 1 && rest[0] == '-' && rest[1] != ']') {
      rest = rest.drop_front();
      Expected<uint32_t> end = one();
      if (!end)
        return end.takeError();
      high = *end;
      if (high < *low)
        return fail("a range of characters ends before it begins");
    }
    ranges.push_back({*low, high});
  }
  rest = rest.drop_front();
  if (flags.foldCase) // before the complement: [^a] is neither a nor A
    for (size_t i = 0, count = ranges.size(); i < count; ++i)
      for (auto [from, shift] : {std::pair('a', -32), std::pair('A', 32)}) {
        uint32_t low = std::max<uint32_t>(ranges[i].low, from);
        uint32_t high = std::min<uint32_t>(ranges[i].high, from + 25);
        if (low <= high)
          ranges.push_back({low + shift, high + shift});
      }
  return negated ? complement(ranges) : ranges;
}

Expected<Piece> Parser::group(Flags &flags) {
  Flags inner = flags;
  if (rest.consume_front("?")) {
    if (rest.consume_front("P<") || (rest.starts_with("<") && !rest.starts_with("<=") &&
                                     !rest.starts_with("<!") && rest.consume_front("<"))) {
      size_t end = rest.find('>');
      if (end == StringRef::npos || end == 0)
        return fail("a group's name does not end");
      rest = rest.drop_front(end + 1);
    } else {
      bool value = true;
      for (;;) {
        if (rest.empty())
          return fail("'(' without ')'");
        char c = rest.front();
        if (c == ':' || c == ')')
          break;
        if (c == 'i')
          inner.foldCase = value;
        else if (c == 's')
          inner.dotAll = value;
        else if (c == '-' && value)
          value = false;
        else if (c != 'U') // which match is found first does not matter
          return fail("'(?" + Twine(c) +
                      "' is not supported, only the flags i, s and U and groups");
        rest = rest.drop_front();
      }
      if (rest.consume_front(")")) {
        flags = inner;
        return empty();
      }
      rest = rest.drop_front();
    }
  }
  if (++depth > kMaxDepth)
    return fail("groups nest more than " + Twine(kMaxDepth) + " deep");
  Expected<Piece> piece = alternatives(inner);
  --depth;
  if (piece && !rest.consume_front(")"))
    return fail("'(' without ')'");
  return piece;
}

Expected<Piece> Parser::atom(Flags &flags) {
  if (nodes.size() > kMaxNodes)
    return fail("the pattern is too large");
  char c = rest.front();
  if (c == '*' || c == '+' || c == '?')
    return fail("nothing to repeat");
  if (rest.consume_front("("))
    return group(flags);
  if (rest.consume_front("\\"))
    return escape(flags);
  if (rest.consume_front(".")) {
    Ranges any = complement(flags.dotAll ? Ranges() : Ranges{{'\n', '\n'}});
    return characters(any, false);
  }
  if (rest.consume_front("[")) {
    Expected<Ranges> ranges = bracket(flags);
    if (!ranges)
      return ranges.takeError();
    return characters(*ranges, false);
  }
  if (c == '^' || c == '$') {
    rest = rest.drop_front();
    uint32_t node = add({c == '^' ? Node::AtStart : Node::AtEnd});
    return Piece{node, {{node, false}}};
  }
  Expected<uint32_t> code = character();
  if (!code)
    return code.takeError();
  if (flags.foldCase && *code >= 0x80)
    return fail("the flag i is supported for letters of ASCII only");
  return characters({{*code, *code}}, flags.foldCase);
}

//===-- Deterministic automaton ---------------------------------------------------------------===//

bool isAssertion(Node::Kind kind) {
  return kind == Node::AtStart || kind == Node::AtEnd || kind == Node::AtBoundary ||
         kind == Node::NotAtBoundary;
}

bool isWordByte(unsigned byte) { return byte < 128 && (isAlnum(char(byte)) || byte == '_'); }

/// What assertions ask about a position in the text.
struct Position {
  bool atStart = false, atEnd = false, isBoundary = false;

  bool holds(Node::Kind kind) const {
    return kind == Node::AtStart      ? atStart
           : kind == Node::AtEnd      ? atEnd
           : kind == Node::AtBoundary ? isBoundary
                                      : !isBoundary;
  }
};

using Members = std::vector<uint32_t>; // nodes, sorted

/// Where the nondeterministic automaton may be, before assertions, and what came before.
struct State {
  Members members;
  bool atStart = false;
  bool afterWord = false; // false everywhere if no assertion asks for it

  bool operator<(const State &other) const {
    return std::tie(members, atStart, afterWord) <
           std::tie(other.members, other.atStart, other.afterWord);
  }
};

class Determinizer {
public:
  Determinizer(std::vector<Node> nodes, uint32_t start) : nodes(std::move(nodes)), start(start) {}

  Expected<std::string> run();

private:
  /// What is reached from `from` without a byte. Assertions are passed where they hold at
  /// `position`; without one they are kept.
  Members closure(ArrayRef<uint32_t> from, const Position *position);
  void findClasses();
  uint32_t stateOf(State state);
  bool isAccepting(const State &state);
  uint32_t successor(const State &state, unsigned byte);
  void minimize();
  std::string table() const;

  std::vector<Node> nodes;
  uint32_t start;
  bool asksForWords = false;
  std::array<uint8_t, 256> classOf{};
  unsigned classes = 0;
  std::vector<uint32_t> seen; // by node: the number of the closure that saw it last
  uint32_t closures = 0;
  size_t work = 0, memberCount = 0;
  std::map<State, uint32_t> known;
  std::vector<State> states;
  std::vector<bool> accepting;
  std::vector<std::vector<uint32_t>> next; // by state and class
};

Members Determinizer::closure(ArrayRef<uint32_t> from, const Position *position) {
  seen.resize(nodes.size());
  ++closures;
  SmallVector<uint32_t> pending(from);
  Members result;
  while (!pending.empty()) {
    uint32_t number = pending.pop_back_val();
    ++work;
    if (seen[number] == closures)
      continue;
    seen[number] = closures;
    const Node &node = nodes[number];
    if (node.kind == Node::Split) {
      pending.push_back(node.next);
      pending.push_back(node.other);
    } else if (!position || !isAssertion(node.kind)) {
      result.push_back(number);
    } else if (position->holds(node.kind)) {
      pending.push_back(node.next);
    }
  }
  llvm::sort(result);
  return result;
}

/// Bytes that no node tells apart.
void Determinizer::findClasses() {
  std::array<bool, 257> begins{};
  begins[0] = true;
  for (const Node &node : nodes) {
    if (node.kind == Node::Byte && node.low <= node.high)
      begins[node.low] = begins[node.high + 1] = true;
    asksForWords |= node.kind == Node::AtBoundary || node.kind == Node::NotAtBoundary;
  }
  for (unsigned byte = 1; asksForWords && byte < 256; ++byte)
    begins[byte] |= isWordByte(byte) != isWordByte(byte - 1);
  for (unsigned byte = 0; byte < 256; ++byte) {
    classes += begins[byte];
    classOf[byte] = classes - 1;
  }
}

uint32_t Determinizer::stateOf(State state) {
  auto [place, isNew] = known.try_emplace(std::move(state), states.size());
  if (isNew) {
    states.push_back(place->first);
    memberCount += states.back().members.size();
    accepting.push_back(isAccepting(place->first));
  }
  return place->second;
}

bool Determinizer::isAccepting(const State &state) {
  Position end{state.atStart, /*atEnd=*/true, state.afterWord};
  return llvm::any_of(closure(state.members, &end),
                      [&](uint32_t n) { return nodes[n].kind == Node::Accept; });
}

uint32_t Determinizer::successor(const State &state, unsigned byte) {
  bool isWord = asksForWords && isWordByte(byte);
  Position here{state.atStart, /*atEnd=*/false, state.afterWord != isWord};
  SmallVector<uint32_t> targets;
  work += state.members.size();
  auto step = [&](ArrayRef<uint32_t> members) {
    for (uint32_t number : members)
      if (const Node &node = nodes[number];
          node.kind == Node::Byte && node.low <= byte && byte <= node.high)
        targets.push_back(node.next);
  };
  if (llvm::any_of(state.members, [&](uint32_t n) { return isAssertion(nodes[n].kind); }))
    step(closure(state.members, &here));
  else
    step(state.members);
  return targets.empty() ? 0 : stateOf({closure(targets, nullptr), false, isWord});
}

Expected<std::string> Determinizer::run() {
  findClasses();
  std::array<uint8_t, 256> byteOf{};
  for (unsigned byte = 256; byte-- > 0;)
    byteOf[classOf[byte]] = byte;
  stateOf({}); // 0: nothing can follow
  stateOf({closure(start, nullptr), /*atStart=*/true, false});
  for (size_t i = 0; i < states.size(); ++i) {
    State state = states[i]; // the vector grows
    next.emplace_back();
    for (unsigned kind = 0; kind < classes; ++kind)
      next[i].push_back(successor(state, byteOf[kind]));
    if (states.size() > kMaxStates || memberCount > kMaxMembers || work > kMaxWork)
      return createStringError("its automaton is too large: more than " + Twine(kMaxStates) +
                               " states, or too many ways to them");
  }
  minimize();
  return table();
}

/// Joins states that accept the same strings: refines the partition into accepting and other states
/// until the successors of all states of a part are in the same parts. State 0 stays 0, the start
/// is state 1 or, if nothing is accepted, 0.
void Determinizer::minimize() {
  size_t count = next.size();
  std::vector<uint32_t> part(count);
  for (size_t i = 0; i < count; ++i)
    part[i] = accepting[i];
  for (size_t parts = 0;;) {
    std::map<std::vector<uint32_t>, uint32_t> found;
    std::vector<uint32_t> refined(count);
    for (size_t i = 0; i < count; ++i) {
      std::vector<uint32_t> key{part[i]};
      for (uint32_t target : next[i])
        key.push_back(part[target]);
      refined[i] = found.try_emplace(std::move(key), found.size()).first->second;
    }
    part = std::move(refined);
    if (found.size() == parts)
      break;
    parts = found.size();
  }
  // Parts are numbered as their first state comes: state 0 is in part 0.
  std::vector<std::vector<uint32_t>> joined;
  std::vector<bool> accepts;
  for (size_t i = 0; i < count; ++i) {
    if (part[i] != joined.size())
      continue;
    joined.emplace_back();
    for (uint32_t target : next[i])
      joined.back().push_back(part[target]);
    accepts.push_back(accepting[i]);
  }
  start = part[1];
  next = std::move(joined);
  accepting = std::move(accepts);
}

std::string Determinizer::table() const {
  std::string result;
  auto word = [&](uint32_t value) {
    char bytes[4];
    support::endian::write32le(bytes, value);
    result.append(bytes, 4);
  };
  word(next.size());
  word(classes);
  word(start);
  result.append(reinterpret_cast<const char *>(classOf.data()), classOf.size());
  for (bool accepts : accepting)
    result.push_back(accepts);
  for (const std::vector<uint32_t> &targets : next)
    for (uint32_t target : targets) {
      result.push_back(target & 255);
      result.push_back(target >> 8);
    }
  return result;
}

} // namespace

Expected<std::string> automatonOf(StringRef pattern) {
  std::vector<Node> nodes;
  uint32_t start;
  if (Error error = Parser(pattern).parse(nodes, start))
    return std::move(error);
  return Determinizer(std::move(nodes), start).run();
}

} // namespace longtail::operators
