// What the instructions do, for 32 lanes. Compiled without contraction: a * b + c is two roundings, as PTX says.
#include <bit>
#include <cfenv>
#include <cmath>
#include <cstring>
#include <limits>
#include <unordered_map>
#include <utility>

#include "tests/emulator/machine.hpp"

namespace tandem::ptx {
namespace {

// a predicate: 0 or -1
enum class Pred : s32 {};
Pred pred(bool b) { return Pred{-static_cast<s32>(b)}; }
bool holds(Pred p) { return p != Pred{0}; }

template <class D, class Use>
void for_lanes(Warp& w, D* d, Use&& value) {
  if (w.full) {
#pragma GCC ivdep
    for (int l = 0; l < kLanes; ++l) d[l] = value(l);
  } else {
    for (int l = 0; l < kLanes; ++l)
      if (w.active[l]) d[l] = value(l);
  }
}

// d = F(s0, s1, ...)
template <auto F, class D, class... S, size_t... I>
void apply_to(Warp& w, const Instruction& in, std::index_sequence<I...>) {
  for_lanes(w, w.row<D>(in.d), [&](int l) -> D { return F(w.row<S>(in.s[I])[l]...); });
}
template <auto F, class D, class... S>
void apply(Warp& w, const Instruction& in) {
  apply_to<F, D, S...>(w, in, std::index_sequence_for<S...>());
}

// With a carry: d = F(carry, s0, s1, ...), which may change the carry.
template <auto F, size_t... I>
void apply_carry_to(Warp& w, const Instruction& in, std::index_sequence<I...>) {
  for (int l = 0; l < kLanes; ++l)
    if (w.active[l]) w.row<u32>(in.d)[l] = F(w.carry[l], w.row<u32>(in.s[I])[l]...);
}
template <auto F, size_t n>
void apply_carry(Warp& w, const Instruction& in) {
  apply_carry_to<F>(w, in, std::make_index_sequence<n>());
}

template <class T>
constexpr char kLetter = sizeof(T) == 2   ? 'h'
                         : sizeof(T) == 4 ? 'w'
                                          : 'd';
template <>
constexpr char kLetter<Pred> = 'p';
template <class... T>
constexpr char kLetters[] = {kLetter<T>..., 0};

template <auto F, class D, class... S>
constexpr Operation operation() {
  return {apply<F, D, S...>, {kLetters<D, S...>, sizeof...(S) + 1}};
}
constexpr std::string_view kFourWords = "wwww";
template <auto F, size_t n>
constexpr Operation with_carry() {
  return {apply_carry<F, n>, kFourWords.substr(0, n + 1)};
}

template <class T>
T divide(T a, T b) {
  if (b == 0) return static_cast<T>(-1);
  if constexpr (std::is_signed_v<T>)
    if (b == -1) return static_cast<T>(0 - static_cast<std::make_unsigned_t<T>>(a));
  return a / b;
}
template <class T>
T remainder(T a, T b) {
  if (b == 0) return a;
  if constexpr (std::is_signed_v<T>)
    if (b == -1) return 0;
  return a % b;
}
template <class T>
T minimum(T a, T b) {
  return a < b || b != b ? a : b;
}
template <class T>
T maximum(T a, T b) {
  return a > b || b != b ? a : b;
}
template <class To, class From>
To saturate(From rounded) {
  if (rounded != rounded) return sizeof(From) == 8 || sizeof(To) == 8 ? std::numeric_limits<To>::min() : 0;
  if (rounded <= static_cast<From>(std::numeric_limits<To>::min())) return std::numeric_limits<To>::min();
  if (rounded >= static_cast<From>(std::numeric_limits<To>::max())) return std::numeric_limits<To>::max();
  return static_cast<To>(rounded);
}
// A result in another rounding mode than the processor's.
template <class Use>
auto rounded(int mode, Use&& use) {
  const int before = std::fegetround();
  std::fesetround(mode);
  volatile auto result = use();
  std::fesetround(before);
  return result;
}
template <class T>
T add_towards_zero(T a, T b) {
  volatile T x = a, y = b;
  return rounded(FE_TOWARDZERO, [&] { return T(x + y); });
}
u64 insert_bits(u64 a, u64 b, u32 at, u32 n) {
  at &= 0xff, n &= 0xff;
  const u64 ones = (n >= 64 ? ~u64{0} : (u64{1} << n) - 1), mask = at >= 64 ? 0 : ones << at;
  return (b & ~mask) | ((at >= 64 ? 0 : a << at) & mask);
}

// Sums that set the carry, or the borrow, to be 0 or 1. What does not set it (addc, subc, madc without .cc) is nowhere followed by what reads it.
u32 split_sum(u32& carry, u64 sum) {
  carry = static_cast<u32>(sum >> 32) & 1;
  return static_cast<u32>(sum);
}
u32 add_set(u32& carry, u32 a, u32 b) { return split_sum(carry, u64{a} + b); }
u32 addc_set(u32& carry, u32 a, u32 b) { return split_sum(carry, u64{a} + b + carry); }
u32 sub_set(u32& borrow, u32 a, u32 b) { return split_sum(borrow, u64{a} - b); }
u32 subc_set(u32& borrow, u32 a, u32 b) { return split_sum(borrow, u64{a} - b - borrow); }
u32 mad_lo_set(u32& carry, u32 a, u32 b, u32 c) { return split_sum(carry, u64{a * b} + c); }
u32 madc_lo_set(u32& carry, u32 a, u32 b, u32 c) { return split_sum(carry, u64{a * b} + c + carry); }
u32 madc_hi_set(u32& carry, u32 a, u32 b, u32 c) { return split_sum(carry, (u64{a} * b >> 32) + c + carry); }

// d0 and d1 from a number of twice the width: mov.b64 {d0, d1}, s0
void unpack(Warp& w, const Instruction& in) {
  const u64* from = w.row<u64>(in.s[0]);
  for (int l = 0; l < kLanes; ++l) {
    if (!w.active[l]) continue;
    const u64 x = from[l];
    w.row<u32>(in.d)[l] = static_cast<u32>(x), w.row<u32>(in.s[1])[l] = static_cast<u32>(x >> 32);
  }
}
// to an address of the global space, which a pointer into shared memory has none of
void generic_to_global(Warp& w, const Instruction& in) {
  const u64* from = w.row<u64>(in.s[0]);
  for (int l = 0; l < kLanes; ++l) {
    if (w.active[l] && w.block->holds(from[l])) fault(w, in, l, "a pointer into shared memory that is taken for global");
    if (w.active[l]) w.row<u64>(in.d)[l] = from[l];
  }
}
void nothing(Warp&, const Instruction&) {}
// of the shared space to a pointer, back, and whether a pointer leads there
void shared_to_generic(Warp& w, const Instruction& in) {
  const u64 base = reinterpret_cast<u64>(w.block->shared.data());
  for_lanes(w, w.row<u64>(in.d), [&](int l) { return w.row<u64>(in.s[0])[l] + base; });
}
void generic_to_shared(Warp& w, const Instruction& in) {
  const u64 base = reinterpret_cast<u64>(w.block->shared.data());
  for_lanes(w, w.row<u64>(in.d), [&](int l) { return w.row<u64>(in.s[0])[l] - base; });
}
void is_in_shared(Warp& w, const Instruction& in) {
  for_lanes(w, w.row<Pred>(in.d), [&](int l) { return pred(w.block->holds(w.row<u64>(in.s[0])[l])); });
}

#define COMPARE(name, type, expression) {"setp." name, operation<[](type a, type b) { return pred(expression); }, Pred, type, type>()}
#define COMPARE_INTEGERS(suffix, type)                                                                                                               \
  COMPARE("eq." suffix, type, a == b), COMPARE("ne." suffix, type, a != b), COMPARE("lt." suffix, type, a < b), COMPARE("le." suffix, type, a <= b), \
      COMPARE("gt." suffix, type, a > b), COMPARE("ge." suffix, type, a >= b)
#define COMPARE_FLOATS(suffix, type)                                                                                                  \
  COMPARE("eq." suffix, type, a == b), COMPARE("ne." suffix, type, a<b || a> b), COMPARE("lt." suffix, type, a < b),                  \
      COMPARE("le." suffix, type, a <= b), COMPARE("gt." suffix, type, a > b), COMPARE("ge." suffix, type, a >= b),                   \
      COMPARE("equ." suffix, type, !(a < b || a > b)), COMPARE("neu." suffix, type, a != b), COMPARE("ltu." suffix, type, !(a >= b)), \
      COMPARE("leu." suffix, type, !(a > b)), COMPARE("gtu." suffix, type, !(a <= b)), COMPARE("geu." suffix, type, !(a < b)),        \
      COMPARE("nan." suffix, type, std::isnan(a) || std::isnan(b)), COMPARE("num." suffix, type, !(std::isnan(a) || std::isnan(b)))
#define UNARY(name, type, expression) {name, operation<[](type a) { return type(expression); }, type, type>()}
#define BINARY(name, type, expression) {name, operation<[](type a, type b) { return type(expression); }, type, type, type>()}
#define TERNARY(name, type, expression) {name, operation<[](type a, type b, type c) { return type(expression); }, type, type, type, type>()}
#define CONVERT(name, to, from, expression) {name, operation<[](from a) -> to { return (expression); }, to, from>()}
#define WIDEN(name, to, from, expression) {name, operation<[](from a, from b) { return to(expression); }, to, from, from>()}
#define MOVE(suffix, type) UNARY("mov." suffix, type, a)
#define SELECT(suffix, type) {"selp." suffix, operation<[](type a, type b, Pred p) { return holds(p) ? a : b; }, type, type, type, Pred>()}
#define SHIFT(name, type, expression) {name, operation<[](type a, u32 n) { return type(expression); }, type, type, u32>()}
#define FLOATS(suffix, type)                                                                                                                       \
  BINARY("add." suffix, type, a + b), BINARY("sub." suffix, type, a - b), BINARY("mul." suffix, type, a* b), BINARY("mul.rn." suffix, type, a* b), \
      BINARY("add.rn." suffix, type, a + b), BINARY("sub.rn." suffix, type, a - b), TERNARY("fma.rn." suffix, type, std::fma(a, b, c)),            \
      BINARY("div.rn." suffix, type, a / b), UNARY("rcp.rn." suffix, type, 1 / a), UNARY("sqrt.rn." suffix, type, std::sqrt(a)),                   \
      UNARY("neg." suffix, type, -a), UNARY("abs." suffix, type, std::fabs(a)), BINARY("min." suffix, type, minimum(a, b)),                        \
      BINARY("max." suffix, type, maximum(a, b)), BINARY("add.rz." suffix, type, add_towards_zero(a, b)),                                          \
      /* the sign of the first on the second */ BINARY("copysign." suffix, type, std::copysign(b, a))
#define INTEGERS(suffix, type)                                                                                                             \
  BINARY("add." suffix, type, a + b), BINARY("sub." suffix, type, a - b), BINARY("mul.lo." suffix, type, a* b),                            \
      BINARY("div." suffix, type, divide(a, b)), BINARY("rem." suffix, type, remainder(a, b)), BINARY("min." suffix, type, minimum(a, b)), \
      BINARY("max." suffix, type, maximum(a, b)), TERNARY("mad.lo." suffix, type, a* b + c), UNARY("neg." suffix, type, 0 - a)
#define BITS(suffix, type) \
  BINARY("and." suffix, type, a& b), BINARY("or." suffix, type, a | b), BINARY("xor." suffix, type, a ^ b), UNARY("not." suffix, type, ~a)
#define LOGIC(name, expression)             \
  {name, operation<[](Pred p, Pred q) {     \
     const bool a = holds(p), b = holds(q); \
     return pred(expression);               \
   },                                       \
                   Pred, Pred, Pred>()}

const std::unordered_map<std::string_view, Operation>& operations() {
  static const std::unordered_map<std::string_view, Operation> all = {
      MOVE("u16", u16),
      MOVE("b16", u16),
      MOVE("u32", u32),
      MOVE("b32", u32),
      MOVE("s32", u32),
      MOVE("f32", u32),
      MOVE("u64", u64),
      MOVE("b64", u64),
      MOVE("s64", u64),
      MOVE("f64", u64),
      MOVE("pred", Pred),
      SELECT("u16", u16),
      SELECT("b16", u16),
      SELECT("u32", u32),
      SELECT("s32", u32),
      SELECT("b32", u32),
      SELECT("f32", u32),
      SELECT("u64", u64),
      SELECT("s64", u64),
      SELECT("b64", u64),
      SELECT("f64", u64),
      {"mov.unpack.b64", {unpack, "wdw"}},
      {"mov.pack.b64", operation<[](u32 a, u32 b) { return u64{a} | u64{b} << 32; }, u64, u32, u32>()},
      INTEGERS("s32", s32),
      INTEGERS("u32", u32),
      INTEGERS("s64", s64),
      INTEGERS("u64", u64),
      BITS("b16", u16),
      BITS("b32", u32),
      BITS("b64", u64),
      WIDEN("mul.wide.s32", s64, s32, s64{a} * b),
      WIDEN("mul.wide.u32", u64, u32, u64{a} * b),
      BINARY("mul.hi.s32", s32, s64{a} * b >> 32),
      BINARY("mul.hi.u32", u32, u64{a} * b >> 32),
      BINARY("mul.hi.u64", u64, static_cast<unsigned __int128>(a) * b >> 64),
      {"mad.wide.u32", operation<[](u32 a, u32 b, u64 c) { return u64{a} * b + c; }, u64, u32, u32, u64>()},
      {"mad.wide.s32", operation<[](s32 a, s32 b, s64 c) { return s64{a} * b + c; }, s64, s32, s32, s64>()},
      SHIFT("shl.b32", u32, n > 31 ? 0 : a << n),
      SHIFT("shl.b64", u64, n > 63 ? 0 : a << n),
      SHIFT("shr.u32", u32, n > 31 ? 0 : a >> n),
      SHIFT("shr.u64", u64, n > 63 ? 0 : a >> n),
      SHIFT("shr.s32", s32, a >> (n > 31 ? 31 : n)),
      SHIFT("shr.s64", s64, a >> (n > 63 ? 63 : n)),
      CONVERT("clz.b64", u32, u64, static_cast<u32>(std::countl_zero(a))),
      CONVERT("clz.b32", u32, u32, static_cast<u32>(std::countl_zero(a))),
      {"bfi.b64", operation<insert_bits, u64, u64, u64, u32, u32>()},
      {"bfi.b32", operation<[](u32 a, u32 b, u32 at, u32 n) { return static_cast<u32>(insert_bits(a, b, at, n)); }, u32, u32, u32, u32, u32>()},
      {"add.cc.u32", with_carry<add_set, 2>()},
      {"addc.cc.u32", with_carry<addc_set, 2>()},
      {"addc.u32", with_carry<addc_set, 2>()},
      {"sub.cc.u32", with_carry<sub_set, 2>()},
      {"subc.cc.u32", with_carry<subc_set, 2>()},
      {"subc.u32", with_carry<subc_set, 2>()},
      {"mad.lo.cc.u32", with_carry<mad_lo_set, 3>()},
      {"madc.lo.cc.u32", with_carry<madc_lo_set, 3>()},
      {"madc.hi.cc.u32", with_carry<madc_hi_set, 3>()},
      {"madc.hi.u32", with_carry<madc_hi_set, 3>()},
      FLOATS("f32", f32),
      FLOATS("f64", f64),
      TERNARY("fma.rm.f32", f32,
              rounded(FE_DOWNWARD,
                      [&] {
                        volatile f32 x = a;
                        return std::fma(f32(x), b, c);
                      })),
      UNARY("ex2.approx.ftz.f32", f32, std::exp2(a)),
      UNARY("rsqrt.approx.f32", f32, 1 / std::sqrt(f64{a})),
      COMPARE_INTEGERS("s16", s16),
      COMPARE_INTEGERS("u16", u16),
      COMPARE_INTEGERS("b32", u32),
      COMPARE_INTEGERS("s32", s32),
      COMPARE_INTEGERS("u32", u32),
      COMPARE_INTEGERS("b64", u64),
      COMPARE_INTEGERS("s64", s64),
      COMPARE_INTEGERS("u64", u64),
      COMPARE_FLOATS("f32", f32),
      COMPARE_FLOATS("f64", f64),
      LOGIC("and.pred", a && b),
      LOGIC("or.pred", a || b),
      LOGIC("xor.pred", a != b),
      {"not.pred", operation<[](Pred p) { return pred(!holds(p)); }, Pred, Pred>()},
      CONVERT("cvt.s64.s32", s64, s32, a),
      CONVERT("cvt.u64.u32", u64, u32, a),
      CONVERT("cvt.u32.u64", u32, u64, static_cast<u32>(a)),
      CONVERT("cvt.u16.u32", u16, u32, static_cast<u16>(a)),
      CONVERT("cvt.rn.f32.s16", f32, s16, a),
      CONVERT("cvt.rn.f32.s32", f32, s32, static_cast<f32>(a)),
      CONVERT("cvt.rn.f32.u32", f32, u32, static_cast<f32>(a)),
      CONVERT("cvt.rn.f64.s32", f64, s32, a),
      CONVERT("cvt.rn.f64.s64", f64, s64, static_cast<f64>(a)),
      CONVERT("cvt.rn.f64.u64", f64, u64, static_cast<f64>(a)),
      CONVERT("cvt.f64.f32", f64, f32, a),
      CONVERT("cvt.rn.f32.f64", f32, f64, static_cast<f32>(a)),
      CONVERT("cvt.rmi.f32.f32", f32, f32, std::floor(a)),
      CONVERT("cvt.rni.f32.f32", f32, f32, std::nearbyint(a)),
      CONVERT("cvt.rzi.f64.f64", f64, f64, std::trunc(a)),
      CONVERT("cvt.sat.f32.f32", f32, f32, a > 0 ? (a < 1 ? a : 1) : 0),
      CONVERT("cvt.rni.s32.f32", s32, f32, saturate<s32>(std::nearbyint(a))),
      CONVERT("cvt.rzi.s32.f32", s32, f32, saturate<s32>(std::trunc(a))),
      CONVERT("cvt.rni.s32.f64", s32, f64, saturate<s32>(std::nearbyint(a))),
      CONVERT("cvt.rzi.s32.f64", s32, f64, saturate<s32>(std::trunc(a))),
      CONVERT("cvt.rzi.s64.f64", s64, f64, saturate<s64>(std::trunc(a))),
      {"cvta.shared.u64", {shared_to_generic, "dd"}},
      {"cvta.to.shared.u64", {generic_to_shared, "dd"}},
      {"isspacep.shared", {is_in_shared, "pd"}},
      {"cvta.to.global.u64", {generic_to_global, "dd"}},
      UNARY("cvta.to.local.u64", u64, a),
      UNARY("cvta.local.u64", u64, a),
      UNARY("cvta.global.u64", u64, a),
      {"prefetch.global.L2", {nothing, ""}},
  };
  return all;
}

}  // namespace

const Operation* find_operation(std::string_view name) {
  const auto found = operations().find(name);
  return found == operations().end() ? nullptr : &found->second;
}

}  // namespace tandem::ptx
