// Teams: who executes a kernel. A kernel is written once as `for_each(team, 0, n, body); team.sync();` and runs on one CPU thread, on several host
// threads (tests, under ThreadSanitizer) or on one CUDA block or warp. docs/architecture.md, "One source".
//
// Lane rules: every lane calls every team function in the same order; branches around them are uniform; a lane writes only what it owns between syncs.
#pragma once

// Kernels live in an inline namespace named after the instruction set of the file that instantiates them, so that the AVX2 and the AVX-512 copy of one
// template never share a symbol: the linker must not hand AVX-512 code to an AVX2 machine.
#ifndef TANDEM_ISA
#define TANDEM_ISA generic
#endif

// On a GPU everything is inlined, however long: only then does the compiler know pointers into shared memory as such.
#ifdef __CUDACC__
#define TANDEM_FN __host__ __device__ __forceinline__
#else
#define TANDEM_FN inline
#endif

namespace tandem {
inline namespace TANDEM_ISA {

template <class T>
concept Team = requires(const T& team) {
  { team.lane() };
  { team.size() };
  team.sync();
};

// One lane; everything folds away: the CPU backend.
struct SerialTeam {
  TANDEM_FN static constexpr int lane() { return 0; }
  TANDEM_FN static constexpr int size() { return 1; }
  TANDEM_FN static constexpr void sync() {}
};

// The same lanes, counted from the e-th eighth of them on (e = 0 to 7). Work that does not depend on each other between two syncs runs side by side where each
// starts on lanes of its own. Who writes a number, and reads or writes it again before the next sync, must use the same eighth.
template <Team T>
struct TurnedTeam {
  T team;
  int first;
  TANDEM_FN int lane() const { return team.lane() >= first ? team.lane() - first : team.lane() - first + team.size(); }
  TANDEM_FN int size() const { return team.size(); }
  TANDEM_FN void sync() const { team.sync(); }
};
template <Team T>
TANDEM_FN TurnedTeam<T> from_eighth(const T& team, int e) {
  return {team, e * team.size() / 8};
}
TANDEM_FN SerialTeam from_eighth(const SerialTeam& team, int) { return team; }
// The same lanes, counted from the first warp that n lanes of the team leave free, or have only one round of work for where they go around it.
template <Team T>
TANDEM_FN TurnedTeam<T> beyond(const T& team, int n) {
  return {team, (n + 31) / 32 * 32 % team.size()};
}
TANDEM_FN SerialTeam beyond(const SerialTeam& team, int) { return team; }

// One lane of so many, for what does not sync.
struct LaneOf {
  int number, count;
  TANDEM_FN int lane() const { return number; }
  TANDEM_FN int size() const { return count; }
  TANDEM_FN void sync() const {}
};

// Whether a team's products of matrices are calls of one function (math/dense.hpp).
template <class T>
inline constexpr bool kCallsProducts = false;
template <class T>
inline constexpr bool kCallsProducts<TurnedTeam<T>> = kCallsProducts<T>;

// Runs body(i) for i in [begin, end), dealt out to the lanes round robin. Does not sync.
template <Team T, class Body>
TANDEM_FN void for_each(const T& team, int begin, int end, Body&& body) {
  for (int i = begin + team.lane(); i < end; i += team.size()) body(i);
}

// Begins to copy n numbers, which no lane may change before end_copies(team), by which each lane ends its share; after that and a sync they are there for all.
// A GPU's block goes on meanwhile, from global to shared memory (team_cuda.cuh).
template <Team T, class Real>
TANDEM_FN void begin_copy(const T& team, Real* to, const Real* from, int n) {
  for_each(team, 0, n, [=](int i) { to[i] = from[i]; });
}
// One number of the calling lane's, anywhere.
template <Team T, class Real>
TANDEM_FN void begin_copy(const T&, Real* to, const Real* from) {
  *to = *from;
}
template <Team T>
TANDEM_FN void end_copies(const T&) {}

}  // namespace TANDEM_ISA
}  // namespace tandem
