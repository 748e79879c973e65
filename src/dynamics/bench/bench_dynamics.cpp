#include "dynamics/bench/bench_dynamics.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <functional>
#include <memory>
#include <random>

#include "base/check.hpp"
#include "base/isa.hpp"
#include "dynamics/bench/pinocchio.hpp"
#include "dynamics/rnea_derivatives_kernel.hpp"

namespace tandem {
namespace {

constexpr int kStates = 32;
const char* const kNames[] = {"forward_kinematics", "rnea", "crba", "centroidal_momentum_matrix", "rnea_derivatives"};

using States = std::vector<std::vector<double>>;

template <class T>
struct Aligned {
  explicit Aligned(size_t n) : data(static_cast<T*>(std::aligned_alloc(64, (n * sizeof(T) + 63) / 64 * 64)), std::free) {}
  T* get() const { return data.get(); }
  std::unique_ptr<T, void (*)(void*)> data;
};

struct RandomStates {
  States q, v, a;
};
RandomStates random_states(const Model& model) {
  std::mt19937_64 random(1);
  std::normal_distribution<double> normal;
  RandomStates states;
  for (int s = 0; s < kStates; ++s) {
    const auto vector = [&](int n, double scale) {
      std::vector<double> x(n);
      for (double& value : x) value = scale * normal(random);
      return x;
    };
    std::vector<double> q = vector(model.nq, 1);
    double length = 0;
    for (int i = 3; i < 7; ++i) length += q[i] * q[i];
    for (int i = 3; i < 7; ++i) q[i] /= std::sqrt(length);
    states.q.push_back(q);
    states.v.push_back(vector(model.nv, 2));
    states.a.push_back(vector(model.nv, 5));
  }
  return states;
}

// One kernel in one precision on all states, `lanes` states to a call.
template <class T>
struct Runner {
  using Function = void (*)(BenchKernel, const ModelView<T>&, const BenchBuffers<T>&);
  const ModelArrays<T> arrays;
  const Function function;
  const int lanes, nq, nv, nout;
  const BenchKernel kernel;
  Aligned<T> q, v, a, out, memory;

  Runner(const Model& model, const RandomStates& states, BenchKernel which, Function run, int width)
      : arrays(make_arrays<T>(model)),
        function(run),
        lanes(width),
        nq(model.nq),
        nv(model.nv),
        nout(bench_output_size(which, model.nbody, model.nv)),
        kernel(which),
        q(nq * kStates),
        v(nv * kStates),
        a(nv * kStates),
        out(nout * lanes),
        memory(bench_memory_size(model.nbody, model.nv) * lanes) {
    for (int s = 0; s < kStates; ++s) {
      fill(q.get(), states.q[s], s);
      fill(v.get(), states.v[s], s);
      fill(a.get(), states.a[s], s);
    }
  }
  void fill(T* to, const std::vector<double>& from, int s) const {
    const int n = static_cast<int>(from.size());
    for (int i = 0; i < n; ++i) to[(s / lanes) * n * lanes + i * lanes + s % lanes] = static_cast<T>(from[i]);
  }
  int calls() const { return kStates / lanes; }
  void run(int call) const {
    function(kernel, arrays.view,
             BenchBuffers<T>{q.get() + call * nq * lanes, v.get() + call * nv * lanes, a.get() + call * nv * lanes, out.get(), memory.get()});
  }
  // The results of every state.
  States results() const {
    States all(kStates);
    for (int s = 0; s < kStates; ++s) {
      std::fill(out.get(), out.get() + nout * lanes, static_cast<T>(NAN));
      run(s / lanes);
      for (int i = 0; i < nout; ++i) all[s].push_back(out.get()[i * lanes + s % lanes]);
    }
    return all;
  }
};

double largest_error(const States& a, const States& b) {
  double worst = 0;
  for (size_t s = 0; s < a.size(); ++s) {
    double error = 0, size = 1e-300;
    for (size_t i = 0; i < a[s].size(); ++i) {
      error = std::isnan(a[s][i]) ? INFINITY : std::max(error, std::abs(a[s][i] - b[s][i]));
      size = std::max(size, std::abs(b[s][i]));
    }
    worst = std::max(worst, error / size);
  }
  return worst;
}

struct Times {
  double median_us, p99_us;
};
// Times of one call: each sample is a pass over all calls, long enough for the clock; samples for about `seconds`.
Times time_calls(int calls, double seconds, const std::function<void(int)>& pass) {
  using Clock = std::chrono::steady_clock;
  std::vector<double> samples;
  pass(4);  // warm up
  const auto start = Clock::now();
  while (samples.size() < 30 || std::chrono::duration<double>(Clock::now() - start).count() < seconds) {
    constexpr int kPasses = 4;
    const auto before = Clock::now();
    pass(kPasses);
    samples.push_back(std::chrono::duration<double, std::micro>(Clock::now() - before).count() / (kPasses * calls));
  }
  std::sort(samples.begin(), samples.end());
  return {samples[samples.size() / 2], samples[samples.size() * 99 / 100]};
}

struct ReferenceTime {
  double us = 0;  // per world; 0: no reference
  States results;
};

template <class T>
BenchRow measure(const Runner<T>& runner, const std::string& label, const ReferenceTime& reference, const States& oracle, double seconds) {
  constexpr double kLargestError = sizeof(T) == 8 ? 1e-9 : 1e-4;
  BenchRow row;
  row.name = std::string("dynamics/") + kNames[static_cast<int>(runner.kernel)] + " " + label;
  row.worlds = runner.lanes;
  row.threads = 1;
  row.iterations = 0;
  row.check = oracle.empty() ? 0 : largest_error(runner.results(), oracle);
  check(row.check < kLargestError, row.name, " is wrong by ", row.check, ", expected less than ", kLargestError, "; run the tests of src/dynamics");
  const Times times = time_calls(runner.calls(), seconds, [&](int passes) {
    for (int i = 0; i < passes; ++i)
      for (int call = 0; call < runner.calls(); ++call) runner.run(call);
  });
  row.median_us = times.median_us;
  row.p99_us = times.p99_us;
  row.per_second = 1e6 * runner.lanes / times.median_us;
  row.reference = reference.us > 0 ? "pinocchio" : "";
  row.ratio = reference.us > 0 ? reference.us * runner.lanes / times.median_us : 0;
  return row;
}

ReferenceTime measure_reference(PinocchioReference* pinocchio, BenchKernel kernel, double seconds) {
  ReferenceTime reference;
  if (!pinocchio) return reference;
  for (int i = 0; i < kStates; ++i) {
    pinocchio->run(kernel, i);
    reference.results.push_back(pinocchio->result(kernel, i));
  }
  reference.us = time_calls(kStates, seconds, [&](int passes) {
                   for (int pass = 0; pass < passes; ++pass)
                     for (int i = 0; i < kStates; ++i) pinocchio->run(kernel, i);
                 }).median_us;
  return reference;
}

}  // namespace

int bench_output_size(BenchKernel kernel, int nbody, int nv) {
  switch (kernel) {
    case BenchKernel::kForwardKinematics:
      return 12 * nbody;
    case BenchKernel::kRnea:
      return nv;
    case BenchKernel::kCrba:
      return nv * nv;
    case BenchKernel::kCentroidal:
      return 6 * nv + 6;
    case BenchKernel::kRneaDerivatives:
      return 2 * nv * nv;
  }
  return 0;
}

int bench_memory_size(int nbody, int nv) { return tree_data_size<double>(nbody) + derivative_data_size<double>(nbody, nv); }

std::vector<BenchRow> bench_dynamics(const Model& model, double seconds) {
  check(model.floating, "robot ", model.name, " has a fixed base, expected a floating one: Pinocchio counts the mass of a fixed base as the world's");
  const BenchFunctions functions = detect_isa() == Isa::kAvx512 ? avx512::bench_functions() : avx2::bench_functions();
  const RandomStates states = random_states(model);
  const std::unique_ptr<PinocchioReference> pinocchio = make_pinocchio_reference(model);
  if (pinocchio) pinocchio->set_states(states.q, states.v, states.a);
  std::vector<BenchRow> rows;
  for (const BenchKernel kernel : kBenchKernels) {
    const ReferenceTime reference = measure_reference(pinocchio.get(), kernel, seconds);
    const Runner<double> in_double(model, states, kernel, functions.run_double, 1);
    const Runner<float> in_float(model, states, kernel, functions.run_float, 1),
        in_lanes(model, states, kernel, functions.run_lanes, functions.lanes);
    const States exact = in_double.results();
    rows.push_back(measure(in_double, "double", reference, reference.results, seconds));
    rows.push_back(measure(in_float, "float", reference, exact, seconds));
    rows.push_back(measure(in_lanes, "float lanes", reference, exact, seconds));
  }
  for (BenchRow& row : rows) row.robot = model.name;
  return rows;
}

}  // namespace tandem
