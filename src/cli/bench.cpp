// `tandem bench`: times of each part, checked first, against reference libraries in the same run.
#include "cli/bench.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>

#include "base/check.hpp"
#include "base/memory.hpp"
#include "cli/progress.hpp"
#include "cli/roofline.hpp"
#include "dynamics/bench/bench_dynamics.hpp"
#include "sim/bench_sim.hpp"

namespace tandem {
namespace {

BenchResult bench_dynamics_of(const BenchOptions& options) {
  BenchResult out;
  for (const std::string& robot : options.robots) {
    throw_if_interrupted();
    const Robot loaded = load_robot(robot);
    for (BenchRow& row : bench_dynamics(loaded.model)) {
      row.robot = loaded.name;
      out.rows.push_back(row);
    }
  }
  return out;
}

BenchResult bench_sim_of(const BenchOptions& options) {
  const int batch = *std::max_element(options.worlds.begin(), options.worlds.end());
  for (const std::string& robot : options.robots)
    check_memory(batch * simulator_bytes(load_robot(robot).model), cat(batch, " worlds of ", robot), "take fewer --worlds");
  SimBenchSettings settings;
  settings.robots = options.robots, settings.worlds = batch, settings.threads = options.common.threads;
  settings.poll = throw_if_interrupted;
  return {bench_sim(settings)};
}

Json to_json(const BenchRow& row) {
  return {{"name", row.name},
          {"robot", row.robot},
          {"worlds", row.worlds},
          {"threads", row.threads},
          {"iterations", row.iterations},
          {"median_us", number(row.median_us)},
          {"p99_us", number(row.p99_us)},
          {"per_second", number(row.per_second)},
          {"reference", row.reference.empty() ? Json(nullptr) : Json(row.reference)},
          {"ratio", row.reference.empty() ? Json(nullptr) : number(row.ratio)},
          {"check", number(row.check)}};
}

// Three significant digits.
std::string brief(double value) {
  char text[32];
  std::snprintf(text, sizeof(text), "%.2e", value);
  return std::isfinite(value) ? text : "-";
}

void print(const BenchResult& result) {
  Table table({"name", "robot", "worlds", "threads", "iterations", "median [us]", "99 % [us]", "per second", "ratio", "check", "  reference"});
  for (const BenchRow& r : result.rows)
    table.add({r.name, r.robot, cat(r.worlds), cat(r.threads), r.iterations ? cat(r.iterations) : "", fixed(r.median_us, 2), fixed(r.p99_us, 2),
               fixed(r.per_second, 0), r.reference.empty() ? "" : fixed(r.ratio, 2) + "x", brief(r.check), "  " + r.reference});
  if (!result.rows.empty()) table.print();
  print_gpu_tables(result.more);
  if (!result.more.contains("accuracy")) return;
  std::printf("\ntorque error against the exact optimum, 90 %% of the states [N m]\n");
  Table accuracy({"robot", "iterations", "states", "no optimum", "ours", "OSQP, 25 iterations"});
  for (const Json& row : result.more["accuracy"])
    accuracy.add({row["robot"], row["iterations"].dump(), row["states"].dump(), row["without_exact_solution"].dump(),
                  fixed(row["torque_error_p90"].is_null() ? NAN : row["torque_error_p90"].get<double>(), 3),
                  fixed(row["osqp_torque_error_p90"].is_null() ? NAN : row["osqp_torque_error_p90"].get<double>(), 3)});
  accuracy.print();
}

// What a benchmark has options for beside --robot and --json: nothing; --worlds and --threads; all that a closed loop takes.
enum class Takes { kNothing, kWorlds, kLoop };

void bench(BenchOptions options, Takes takes, BenchResult (*measure)(const BenchOptions&)) {
  if (options.robots == std::vector<std::string>{"all"}) options.robots = robot_names();
  options.common.robot = options.robots.front();
  RunSettings settings = resolve(options.common);
  const BenchResult result = measure(options);
  if (result.interrupted) forget_interrupt();  // the report runs git
  print(result);
  Json described = to_json(settings);
  described["robots"] = options.robots;
  if (takes != Takes::kNothing) {
    described["worlds"] = options.worlds;
    described["threads"] = options.common.threads;
  }
  if (takes == Takes::kLoop) {
    described["iterations"] = options.iterations;
    described["seed"] = options.common.seed;
  }
  described["device"] = options.device;
  Json rows = Json::array();
  for (const BenchRow& row : result.rows) rows.push_back(to_json(row));
  Json results{{"rows", rows}};
  results.update(result.more);
  if (result.interrupted) results["interrupted"] = true;
  write_report(options.common.json, options.common.argv, described, results);
  if (result.interrupted) throw Interrupted{};
}

}  // namespace

BenchRow make_row(const std::string& name, const std::string& robot, int worlds, int threads, int iterations, std::vector<double> us) {
  BenchRow row{name, robot, worlds, threads, iterations, percentile(us, 0.5), percentile(us, 0.99), 0, "", 0, 0};
  row.per_second = worlds * 1e6 / row.median_us;
  return row;
}

double relative_error(const std::vector<double>& a, const std::vector<double>& exact, double smallest) {
  double difference = 0, largest = smallest;
  for (size_t i = 0; i < exact.size(); ++i)
    difference = std::max(difference, std::abs(a[i] - exact[i])), largest = std::max(largest, std::abs(exact[i]));
  return difference / largest;
}

void add_bench(CLI::App& app, const std::vector<std::string>& argv) {
  CLI::App* bench_app = app.add_subcommand("bench", "Times of each part, checked first, against reference libraries");
  bench_app->require_subcommand(1);
  const auto add = [&](const char* name, const char* help, Takes takes, BenchResult (*measure)(const BenchOptions&),
                       const char* robot = "mit_humanoid") {
    CLI::App* sub = bench_app->add_subcommand(name, help);
    const auto o = std::make_shared<BenchOptions>();
    o->common.argv = argv;
    o->common.threads = 1, o->robots = {robot};
    sub->add_option("--robot", o->robots, "comma-separated, or all")->delimiter(',')->capture_default_str();
    if (takes == Takes::kLoop) {
      add_run_options(*sub, o->common);
      add_integers(*sub, "--iterations", o->iterations, "of the solver, comma-separated; default 10,25");
    } else {
      add_json_option(*sub, o->common);
    }
    if (takes == Takes::kWorlds) add_threads_option(*sub, o->common);
    if (takes != Takes::kNothing) add_integers(*sub, "--worlds", o->worlds, "robots in a call, comma-separated; default 1,1000");
    sub->callback([o, takes, measure, sub] {
      // against a GPU the whole processor competes
      if (o->device == "cuda" && sub->count("--threads") == 0) o->common.threads = 0;
      bench(*o, takes, measure);
    });
    return std::pair(sub, o);
  };
  const auto [mpc, mpc_options] = add("mpc", "The stages of a control step, one robot and a batch; the QP against OSQP", Takes::kLoop, bench_mpc);
  mpc->add_option("--device", mpc_options->device, "cpu, or cuda: the stages on a GPU, against the same batch on the processor")
      ->check(CLI::IsMember({"cpu", "cuda"}))
      ->capture_default_str();
  mpc->add_option("--blocks", mpc_options->blocks, "that solve on a multiprocessor of a GPU, 1 or 2; 0: as many as pay for so many robots")
      ->check(CLI::Range(0, 2))
      ->capture_default_str();
  mpc->add_flag("--work", mpc_options->work, "count the operations and bytes of a control step instead of timing it");
  add("qp", "The QP solver by itself on problems out of the closed loop, against OSQP", Takes::kLoop, bench_qp);
  add("centroidal", "The stages of a control step of the centroidal MPC, one robot on one core; the QP against OSQP", Takes::kNothing,
      bench_centroidal_mpc, "unitree_g1");
  add("dynamics", "The dynamics kernels, against Pinocchio where it was found", Takes::kNothing, bench_dynamics_of);
  add("sim", "Physics steps, against MuJoCo's own loop, in the largest of --worlds", Takes::kWorlds, bench_sim_of);
}

}  // namespace tandem
