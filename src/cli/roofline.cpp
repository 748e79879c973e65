#include "cli/roofline.hpp"

#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "base/check.hpp"

namespace tandem {
namespace {

double value(const Json& json) { return json.is_null() ? NAN : json.get<double>(); }
std::string text(const Json& json) { return json.is_string() ? json.get<std::string>() : json.dump(); }
std::string percent(const Json& share) { return fixed(100 * value(share), 1); }
std::string kibibytes(const Json& bytes) { return fixed(value(bytes) / 1024, 1); }

Json counts(const char* part, const WorkCount& w) {
  return {{"part", part},     {"add", w.add}, {"multiply", w.multiply}, {"divide", w.divide}, {"sqrt", w.root}, {"sin cos atan2", w.circle},
          {"flop", w.flops()}};
}

void print_device(const Json& d) {
  std::printf("\n%s: %d multiprocessors, %.0f MHz, peak %.1f TF/s in single precision; memory %.1f GB, peak %.0f GB/s\n", text(d["name"]).c_str(),
              d["multiprocessors"].get<int>(), 1e-6 * value(d["clock"]), 1e-12 * value(d["peak_flops"]), 1e-9 * value(d["memory"]),
              1e-9 * value(d["peak_bandwidth"]));
}

void print_work(const Json& robots) {
  std::printf("\narithmetic and traffic of one control step of one robot\n");
  Table table({"robot", "iterations", "part", "add", "multiply", "divide", "sqrt", "sin cos atan2", "kflop", "KiB"});
  for (const Json& robot : robots)
    for (const Json& p : robot["parts"])
      table.add({text(robot["robot"]), robot["iterations"].dump(), text(p["part"]), p["add"].dump(), p["multiply"].dump(), p["divide"].dump(),
                 p["sqrt"].dump(), p["sin cos atan2"].dump(), fixed(1e-3 * value(p["flop"]), 1), p.contains("bytes") ? kibibytes(p["bytes"]) : ""});
  table.print();
}

void print_kernels(const Json& kernels) {
  std::printf("\nkernels\n");
  Table table({"robot", "kernel", "threads", "registers", "local [B]", "shared [KiB]", "blocks", "occupancy [%]"});
  for (const Json& k : kernels)
    table.add({text(k["robot"]), text(k["kernel"]), k["threads"].dump(), k["registers"].dump(), k["local_bytes"].dump(),
               fixed((value(k["static_shared"]) + value(k["dynamic_shared"])) / 1024, 1), k["blocks"].dump(), percent(k["occupancy"])});
  table.print();
}

void print_stages(const Json& batches) {
  std::printf("\nstages of the batch against the device's peaks\n");
  Table table({"robot", "iterations", "worlds", "stage", "ms", "GF/s", "% of peak", "GB/s", "% of peak", "bound by"});
  for (const Json& b : batches)
    for (const Json& s : b["stages"])
      table.add({text(b["robot"]), b["iterations"].dump(), b["worlds"].dump(), text(s["stage"]), fixed(value(s["ms"]), 4),
                 fixed(1e-9 * value(s["flops"]), 1), percent(s["flops_share"]), fixed(1e-9 * value(s["bandwidth"]), 1), percent(s["bandwidth_share"]),
                 text(s["bound"])});
  table.print();
}

void print_memory(const Json& rows) {
  std::printf("\nmemory\n");
  Table table({"robot", "worlds", "MiB", "KiB per robot", "blocks", "KiB per block", "shared by a block [KiB]"});
  for (const Json& r : rows)
    table.add({text(r["robot"]), r["worlds"].dump(), fixed(value(r["bytes"]) / (1 << 20), 1), kibibytes(r["robot_bytes"]), r["blocks"].dump(),
               kibibytes(r["block_bytes"]), kibibytes(r["shared_bytes"])});
  table.print();
}

void print_energy(const Json& rows) {
  std::printf("\nsteps one after the other: rate and energy\n");
  Table table({"robot", "iterations", "worlds", "per second", "W", "mJ per solve", "  not reported, because"});
  for (const Json& r : rows)
    table.add({text(r["robot"]), r["iterations"].dump(), r["worlds"].dump(), fixed(value(r["per_second"]), 0), fixed(value(r["watts"]), 0),
               fixed(1e3 * value(r["joules_per_solve"]), 4), "  " + text(r["problem"])});
  table.print();
}

void print_baseline(const Json& baselines) {
  std::printf("\na factorisation and a solve per iteration by Torch's batched kernels, same problems, same device\n");
  Table table({"robot", "variables", "method", "iterations", "robots", "at once", "ms", "per second", "check", "  not run, because"});
  for (const Json& b : baselines) {
    if (b.contains("problem")) table.add({text(b["robot"]), "", "", "", "", "", "", "", "", "  " + text(b["problem"])});
    for (const Json& r : b.value("results", Json::array()))
      table.add({text(b["robot"]), b["variables"].dump(), text(r["method"]) + " " + text(r["dtype"]), r["iterations"].dump(), r["robots"].dump(),
                 r["piece"].dump(), fixed(1e-3 * value(r["us"]), 3), fixed(1e6 * value(r["robots"]) / value(r["us"]), 0),
                 cat(std::isfinite(value(r["check"])) ? value(r["check"]) : NAN), r["us"].is_null() ? "  its answer is wrong" : ""});
  }
  table.print();
}

}  // namespace

RooflinePoint roofline_point(double flops, double bytes, double seconds, const Roof& roof) {
  RooflinePoint p{flops / seconds, bytes / seconds, 0, 0, ""};
  p.flops_share = p.flops / roof.flops, p.bandwidth_share = p.bandwidth / roof.bandwidth;
  p.bound = p.flops_share >= p.bandwidth_share ? "arithmetic" : "memory";
  return p;
}

std::vector<StageWork> stage_work(const StepWork& work, const StepTraffic& traffic, int iterations) {
  const auto stage = [](const char* name, double MpcProfile::* seconds, const WorkCount& count, std::size_t bytes) {
    return StageWork{name, seconds, static_cast<double>(count.flops()), static_cast<double>(bytes)};
  };
  return {stage("prepare", &MpcProfile::prepare, work.prepare, traffic.prepare),
          stage("linearise", &MpcProfile::linearise, work.linearise, traffic.linearise),
          stage("form", &MpcProfile::form, work.form, traffic.form),
          stage("solve", &MpcProfile::solve, work.solve(iterations), traffic.solve),
          stage("inverse dynamics", &MpcProfile::finish, work.finish, traffic.finish),
          stage("step", nullptr, work.step(iterations), traffic.step())};
}

Json describe_work(const RunSettings& settings, const StepWork& work) {
  const MpcSettings& mpc = settings.task.mpc;
  const int iterations = mpc.solver.iterations;
  const MpcArrays<float> arrays = make_arrays<float>(settings.robot.model, mpc, 1);
  const StepTraffic traffic = count_traffic(arrays.view, plan_device(arrays, mpc, 1, {}), iterations);
  Json parts = Json::array();
  const auto add = [&](const char* part, const WorkCount& count, std::size_t bytes) {
    parts.push_back(counts(part, count));
    if (bytes > 0) parts.back()["bytes"] = bytes;
  };
  add("prepare", work.prepare, traffic.prepare), add("linearise", work.linearise, traffic.linearise), add("form", work.form, traffic.form);
  add("solve: factor", work.factor, 0), add("solve: one iteration", work.iteration, 0), add("solve: before and after", work.judge, 0);
  add("solve", work.solve(iterations), traffic.solve);
  add("inverse dynamics", work.finish, traffic.finish), add("step", work.step(iterations), traffic.step());
  return {{"robot", settings.robot.name}, {"iterations", iterations}, {"parts", parts}, {"solve_again_bytes", traffic.solve_again}};
}

Json describe_stages(const std::vector<StageWork>& stages, const MpcProfile& profile, double step_seconds, int worlds, const Roof& roof) {
  Json out = Json::array();
  for (const StageWork& s : stages) {
    const double seconds = s.seconds ? profile.*s.seconds * worlds : step_seconds;
    const RooflinePoint p = roofline_point(s.flops * worlds, s.bytes * worlds, seconds, roof);
    out.push_back({{"stage", s.name},
                   {"ms", number(1e3 * seconds)},
                   {"flops", number(p.flops)},
                   {"flops_share", number(p.flops_share)},
                   {"bandwidth", number(p.bandwidth)},
                   {"bandwidth_share", number(p.bandwidth_share)},
                   {"bound", p.bound}});
  }
  return out;
}

Json describe(const CudaDevice& d) {
  return {{"name", d.name},
          {"capability", cat(d.major, ".", d.minor)},
          {"multiprocessors", d.multiprocessors},
          {"clock", d.clock},
          {"memory", d.memory},
          {"memory_clock", d.memory_clock},
          {"memory_bus", d.memory_bus},
          {"peak_flops", d.peak_flops()},
          {"peak_bandwidth", d.peak_bandwidth()}};
}

Json describe(const KernelUse& k) {
  return {{"kernel", k.name},
          {"threads", k.threads},
          {"registers", k.registers},
          {"local_bytes", k.local_bytes},
          {"static_shared", k.static_shared},
          {"dynamic_shared", k.dynamic_shared},
          {"blocks", k.blocks},
          {"occupancy", k.occupancy}};
}

void print_gpu_tables(const Json& more) {
  constexpr std::pair<const char*, void (*)(const Json&)> kTables[] = {
      {"device", print_device}, {"kernels", print_kernels}, {"work", print_work},        {"stages", print_stages},
      {"memory", print_memory}, {"energy", print_energy},   {"baseline", print_baseline}};
  for (const auto& [key, print] : kTables)
    if (more.contains(key) && !more[key].empty()) print(more[key]);
}

}  // namespace tandem
