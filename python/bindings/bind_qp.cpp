#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>

#include <algorithm>
#include <limits>

#include "arrays.hpp"
#include "base/check.hpp"
#include "base/device.hpp"
#include "bind.hpp"
#include "qp/solve.hpp"
#include "settings.hpp"

namespace tandem::python {
namespace {

constexpr int kAlign = 16;         // what Lanes::kSingle wants
constexpr int kMaxSize = 1000;     // of a dimension: matrices of one stage then count in ints
constexpr double kMaxReals = 1e9;  // of a problem: offsets are ints

struct QpSizes {
  int horizon, nx, nu, nc, nd;
};

QpDims make_dims(const QpSizes& s) {
  const auto limited = [](const char* name, int value, int low) {
    check(value >= low && value <= kMaxSize, name, " = ", value, ", expected ", low, " to ", kMaxSize);
  };
  limited("horizon", s.horizon, 1), limited("nx", s.nx, 1), limited("nu", s.nu, 1), limited("nc", s.nc, 0), limited("nd", s.nd, 0);
  const double columns = s.nx + s.nu + 2.0 * kAlign, rows = 2.0 * s.nx + s.nu + s.nc + s.nd + 16;
  check((s.horizon + 1) * rows * columns < kMaxReals, "a QP with horizon ", s.horizon, ", nx ", s.nx, ", nu ", s.nu, ", nc ", s.nc, ", nd ", s.nd,
        " has more than ", kMaxReals, " numbers; make it smaller");
  QpDims dims;
  dims.N = s.horizon, dims.nx = s.nx, dims.nu = s.nu, dims.nc = s.nc, dims.nd = s.nd;
  dims.dense_cost = true, dims.align = kAlign;
  return dims;
}

Lanes parse_lanes(const std::string& text) {
  check(text == "single" || text == "pack", "lanes = ", text, ", expected single or pack");
  return text == "pack" ? Lanes::kPack : Lanes::kSingle;
}

struct QpObject {
  QpDims dims;
  QpLayout layout;
  Batch batch;
  MpcSettings settings;  // whose solver is ours
  bool cuda;
  std::vector<float> qp, solution;
  std::vector<QpInfo> info;
  std::optional<Workspace> workspace;
  std::mutex mutex;

  QpObject(const QpSizes& sizes, std::optional<int> nworld, const nb::dict& chosen, const std::string& device, int threads, const std::string& lanes)
      : dims(make_dims(sizes)), layout(qp_layout(dims)), batch(nworld, sizeof(float) * (double(layout.size) + layout.sol_size)) {
    check(device == "cpu" || device == "cuda", "device = ", device, ", expected cpu or cuda");
    apply_settings(solver_fields(settings), chosen);
    check_problem(dims, settings.solver);
    cuda = device == "cuda";
    if (cuda) check_cuda_device();
    if (!cuda) workspace.emplace(dims, settings.solver, checked_threads(threads), parse_lanes(lanes));
    qp.assign(static_cast<size_t>(batch.nworld) * layout.size, 0.0f);
    solution.assign(static_cast<size_t>(batch.nworld) * layout.sol_size, 0.0f);
    info.resize(batch.nworld);
    remove_bounds();
  }

  // Every row and box without bounds; the penalties stay 0, which switches them off.
  void remove_bounds() {
    constexpr float kInfinity = std::numeric_limits<float>::infinity();
    for (int w = 0; w < batch.nworld; ++w) {
      const QpView<float> problem = qp_view(dims, &qp[static_cast<size_t>(w) * layout.size]);
      for (int k = 0; k <= dims.N; ++k) {
        std::fill_n(problem.lc(k), dims.nc, -kInfinity), std::fill_n(problem.uc(k), dims.nc, kInfinity);
        std::fill_n(problem.lx(k), dims.nx, -kInfinity), std::fill_n(problem.ux(k), dims.nx, kInfinity);
        if (k == dims.N) continue;
        std::fill_n(problem.ld(k), dims.nd, -kInfinity), std::fill_n(problem.ud(k), dims.nd, kInfinity);
        std::fill_n(problem.lu(k), dims.nu, -kInfinity), std::fill_n(problem.uu(k), dims.nu, kInfinity);
      }
    }
  }
};

void solve(QpObject& self, std::optional<int> iterations) {
  if (iterations) check(*iterations >= 1, "iterations = ", *iterations, ", expected at least 1");
  unlocked(self.mutex, [&] {
    SolverSettings settings = self.settings.solver;
    if (iterations) settings.iterations = *iterations;
    const QpBatch batch{self.dims, self.batch.nworld, self.qp.data(), self.solution.data(), self.info.data()};
    self.cuda ? solve_cuda(batch, settings) : solve(batch, settings, *self.workspace);
  });
}

// One block of every stage: a matrix of rows x columns, `ld` apart, or with columns = 0 a vector of rows.
struct Block {
  int offset;  // in a stage
  int rows, columns, ld;
  bool last;  // whether stage N has it too
};

View<float> stage_view(Held<QpObject> self, float* first, int stage, int size, const Block& block) {
  const QpObject& o = *self.p;
  std::vector<size_t> shape{static_cast<size_t>(o.dims.N) + (block.last ? 1 : 0), static_cast<size_t>(block.rows)};
  std::vector<std::int64_t> strides{stage, 1};
  if (block.columns) {
    shape.push_back(block.columns);
    strides = {stage, block.ld, 1};
  }
  if (o.batch.batched) {
    shape.insert(shape.begin(), o.batch.nworld);
    strides.insert(strides.begin(), size);
  }
  return view(first + block.offset, self.h, shape, strides);
}

View<float> problem_view(Held<QpObject> self, const Block& block) {
  QpObject& o = *self.p;
  return stage_view(self, o.qp.data() + o.layout.ldx, o.layout.stage, o.layout.size, block);
}

View<float> solution_block(Held<QpObject> self, const Block& block) {
  QpObject& o = *self.p;
  return stage_view(self, o.solution.data(), o.layout.sol_stage, o.layout.sol_size, block);
}

// A property on the block that `describe` finds in the dims and the layout.
using Describe = Block (*)(const QpDims& d, const QpLayout& l);
auto block(Describe describe) {
  return [describe](Held<QpObject> self) { return problem_view(self, describe(self.p->dims, self.p->layout)); };
}

void bind_costs(nb::class_<QpObject>& qp) {
  qp.def_prop_ro("Q", block([](auto& d, auto& l) { return Block{l.H, d.nx, d.nx, l.ldz, true}; }), "Cost of x, symmetric  ([nworld,] N + 1, nx, nx).")
      .def_prop_ro("R", block([](auto& d, auto& l) { return Block{l.H + d.nx * l.ldz + l.ldx, d.nu, d.nu, l.ldz, false}; }),
                   "Cost of u, symmetric, positive definite with B'PB  ([nworld,] N, nu, nu).")
      .def_prop_ro("S", block([](auto& d, auto& l) { return Block{l.H + d.nx * l.ldz, d.nu, d.nx, l.ldz, false}; }),
                   "Cost of u against x  ([nworld,] N, nu, nx). S and St are transposes of each other.")
      .def_prop_ro("St", block([](auto& d, auto& l) { return Block{l.H + l.ldx, d.nx, d.nu, l.ldz, false}; }),
                   "Transpose of S, kept beside it  ([nworld,] N, nx, nu).")
      .def_prop_ro("q", block([](auto& d, auto& l) { return Block{l.g, d.nx, 0, 0, true}; }), "Gradient by x  ([nworld,] N + 1, nx).")
      .def_prop_ro("r", block([](auto& d, auto& l) { return Block{l.g + l.ldx, d.nu, 0, 0, false}; }), "Gradient by u  ([nworld,] N, nu).");
}

void bind_dynamics(nb::class_<QpObject>& qp) {
  qp.def_prop_ro(
        "x0",
        [](Held<QpObject> self) {
          QpObject& o = *self.p;
          const size_t nx = o.dims.nx;
          if (!o.batch.batched) return view(o.qp.data(), self.h, {nx});
          return view(o.qp.data(), self.h, {static_cast<size_t>(o.batch.nworld), nx}, {o.layout.size, 1});
        },
        "First state  ([nworld,] nx).")
      .def_prop_ro("A", block([](auto& d, auto& l) { return Block{l.AB, d.nx, d.nx, l.ldz, false}; }), "([nworld,] N, nx, nx).")
      .def_prop_ro("B", block([](auto& d, auto& l) { return Block{l.AB + l.ldx, d.nx, d.nu, l.ldz, false}; }), "([nworld,] N, nx, nu).")
      .def_prop_ro("b", block([](auto& d, auto& l) { return Block{l.b, d.nx, 0, 0, false}; }), "([nworld,] N, nx).");
}

void bind_rows(nb::class_<QpObject>& qp) {
  qp.def_prop_ro("C", block([](auto& d, auto& l) { return Block{l.C, d.nc, d.nx, l.ldx, true}; }), "Rows on x  ([nworld,] N + 1, nc, nx).")
      .def_prop_ro("lc", block([](auto& d, auto& l) { return Block{l.lc, d.nc, 0, 0, true}; }), "lc <= C x  ([nworld,] N + 1, nc).")
      .def_prop_ro("uc", block([](auto& d, auto& l) { return Block{l.uc, d.nc, 0, 0, true}; }), "C x <= uc  ([nworld,] N + 1, nc).")
      .def_prop_ro("rho_c", block([](auto& d, auto& l) { return Block{l.rho_c, d.nc, 0, 0, true}; }),
                   "ADMM penalty [cost per (row unit)^2], 0: no such row  ([nworld,] N + 1, nc).")
      .def_prop_ro("D", block([](auto& d, auto& l) { return Block{l.D, d.nd, d.nu, l.ldu, false}; }), "Rows on u  ([nworld,] N, nd, nu).")
      .def_prop_ro("ld", block([](auto& d, auto& l) { return Block{l.ld, d.nd, 0, 0, false}; }), "ld <= D u  ([nworld,] N, nd).")
      .def_prop_ro("ud", block([](auto& d, auto& l) { return Block{l.ud, d.nd, 0, 0, false}; }), "D u <= ud  ([nworld,] N, nd).")
      .def_prop_ro("rho_d", block([](auto& d, auto& l) { return Block{l.rho_d, d.nd, 0, 0, false}; }), "([nworld,] N, nd).")
      .def_prop_ro("lx", block([](auto& d, auto& l) { return Block{l.lz, d.nx, 0, 0, true}; }), "lx <= x  ([nworld,] N + 1, nx).")
      .def_prop_ro("ux", block([](auto& d, auto& l) { return Block{l.uz, d.nx, 0, 0, true}; }), "x <= ux  ([nworld,] N + 1, nx).")
      .def_prop_ro("rho_x", block([](auto& d, auto& l) { return Block{l.rho_z, d.nx, 0, 0, true}; }), "([nworld,] N + 1, nx).")
      .def_prop_ro("lu", block([](auto& d, auto& l) { return Block{l.lz + l.ldx, d.nu, 0, 0, false}; }), "lu <= u  ([nworld,] N, nu).")
      .def_prop_ro("uu", block([](auto& d, auto& l) { return Block{l.uz + l.ldx, d.nu, 0, 0, false}; }), "u <= uu  ([nworld,] N, nu).")
      .def_prop_ro("rho_u", block([](auto& d, auto& l) { return Block{l.rho_z + l.ldx, d.nu, 0, 0, false}; }), "([nworld,] N, nu).");
}

void bind_results(nb::class_<QpObject>& qp) {
  constexpr std::int64_t kStride = sizeof(QpInfo) / sizeof(float);
  qp.def_prop_ro(
        "x", [](Held<QpObject> self) { return solution_block(self, {0, self.p->dims.nx, 0, 0, true}); }, "Solution, states  ([nworld,] N + 1, nx).")
      .def_prop_ro(
          "u", [](Held<QpObject> self) { return solution_block(self, {self.p->layout.ldx, self.p->dims.nu, 0, 0, false}); },
          "Solution, inputs  ([nworld,] N, nu).")
      .def_prop_ro(
          "status",
          [](Held<QpObject> self) { return self.p->batch.view_each(reinterpret_cast<std::int32_t*>(&self.p->info[0].status), self.h, kStride); },
          "How it ended, a number of Status  ([nworld]).")
      .def_prop_ro(
          "primal_residual", [](Held<QpObject> self) { return self.p->batch.view_each(&self.p->info[0].primal_residual, self.h, kStride); },
          "Largest violation of a row, in its unit  ([nworld]).")
      .def_prop_ro(
          "dual_residual", [](Held<QpObject> self) { return self.p->batch.view_each(&self.p->info[0].dual_residual, self.h, kStride); },
          "Largest error of stationarity  ([nworld]).")
      .def_prop_ro(
          "objective", [](Held<QpObject> self) { return self.p->batch.view_each(&self.p->info[0].objective, self.h, kStride); },
          "Cost at the solution  ([nworld]).");
}

}  // namespace

void bind_qp(nb::module_& module) {
  nb::enum_<Status>(module, "Status", nb::is_arithmetic(), "How a QP ended.")
      .value("SOLVED", Status::kSolved, "Both residuals are within the tolerance.")
      .value("MAX_ITERATIONS", Status::kMaxIterations, "Usable: all iterations done, residuals as reported.")
      .value("INFEASIBLE", Status::kInfeasible, "Crossed bounds, or residuals that settled above zero; the last iterate.")
      .value("NOT_FINITE", Status::kNotFinite, "NaN or infinity in data or result; x and u are unchanged.")
      .value("NOT_CONVEX", Status::kNotConvex, "The cost of the inputs is not positive definite; x and u are unchanged.");

  nb::class_<QpObject> qp(module, "QpSolver", "What tandem.QpSolver is made of.");
  qp.def(
        "__init__",
        [](QpObject* self, int horizon, int nx, int nu, int nc, int nd, std::optional<int> nworld, const nb::dict& settings,
           const std::string& device, int threads,
           const std::string& lanes) { new (self) QpObject({horizon, nx, nu, nc, nd}, nworld, settings, device, threads, lanes); },
        nb::arg("horizon"), nb::arg("nx"), nb::arg("nu"), nb::arg("nc") = 0, nb::arg("nd") = 0, nb::arg("nworld") = nb::none(), nb::kw_only(),
        nb::arg("settings") = nb::dict(), nb::arg("device") = "cpu", nb::arg("threads") = 0, nb::arg("lanes") = "single")
      .def(
          "solve", &solve, nb::arg("iterations") = nb::none(),
          "Solves every problem and writes the solutions; releases the interpreter meanwhile. Starts from the rows and multipliers of the last call\n"
          "unless the setting `warm_start` is False. A problem with bad data gets its status and does not disturb the others.")
      .def(
          "reset", [](QpObject& self) { unlocked(self.mutex, [&] { std::fill(self.solution.begin(), self.solution.end(), 0.0f); }); },
          "Forgets solutions and warm starts.")
      .def_prop_ro(
          "nworld", [](const QpObject& self) { return self.batch.nworld; }, "Number of problems.")
      .def_prop_ro(
          "horizon", [](const QpObject& self) { return self.dims.N; }, "N: inputs at 0 .. N - 1, states at 0 .. N.")
      .def_prop_ro(
          "nx", [](const QpObject& self) { return self.dims.nx; }, "States per stage.")
      .def_prop_ro(
          "nu", [](const QpObject& self) { return self.dims.nu; }, "Inputs per stage.")
      .def_prop_ro(
          "nc", [](const QpObject& self) { return self.dims.nc; }, "Rows on states per stage.")
      .def_prop_ro(
          "nd", [](const QpObject& self) { return self.dims.nd; }, "Rows on inputs per stage.")
      .def_prop_ro(
          "settings",
          [](const QpObject& self) {
            MpcSettings settings = self.settings;
            return settings_dict(solver_fields(settings));
          },
          "All settings by name; a copy.");
  bind_costs(qp);
  bind_dynamics(qp);
  bind_rows(qp);
  bind_results(qp);
}

}  // namespace tandem::python
