#include "cli/settings.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "base/check.hpp"
#include "model/names.hpp"

namespace tandem {
namespace {

// Overloads for std::visit.
template <class... Cases>
struct Overload : Cases... {
  using Cases::operator()...;
};
template <class... Cases>
Overload(Cases...) -> Overload<Cases...>;

double one_number(const Field& field, const std::string& text) { return parse_numbers(text, 1, field.name)[0]; }

int whole_number(const Field& field, const std::string& text) {
  const double value = one_number(field, text);
  check(value == std::floor(value) && std::abs(value) < 1e9, field.name, " = ", text, ", expected a whole number");
  return static_cast<int>(value);
}

bool truth(const Field& field, const std::string& text) {
  check(text == "true" || text == "false" || text == "1" || text == "0", field.name, " = ", text, ", expected true or false");
  return text == "true" || text == "1";
}

SolverMode mode(const std::string& text) {
  check(text == "riccati" || text == "osqp", "solver.mode = ", text, ", expected riccati or osqp");
  return text == "riccati" ? SolverMode::kRiccati : SolverMode::kOsqp;
}

void set_list(const Field& field, double* target, size_t count, const std::string& text) {
  std::vector<double> values = parse_numbers(text, 0, field.name);
  check(values.size() == 1 || values.size() == count, field.name, " has ", values.size(), " values, expected 1 or ", count);
  if (values.size() == 1) values.assign(count, values[0]);
  std::copy(values.begin(), values.end(), target);
}

void set_field(const Field& field, const std::string& text) {
  std::visit(Overload{[&](double* p) { *p = one_number(field, text); }, [&](float* p) { *p = static_cast<float>(one_number(field, text)); },
                      [&](int* p) { *p = whole_number(field, text); }, [&](bool* p) { *p = truth(field, text); },
                      [&](SolverMode* p) { *p = mode(text); }, [&](Triple t) { set_list(field, t.value, 3, text); },
                      [&](std::vector<double>* p) {
                        if (field.name == "mpc.dt") {
                          *p = parse_numbers(text, 0, field.name);  // as many as there are intervals, or one
                        } else {
                          set_list(field, p->data(), p->size(), text);
                        }
                      }},
             field.target);
}

// Ranges that the constructors of controller and simulator do not check themselves.
void check_ranges(const RunSettings& s) {
  check(s.mpc.solver.iterations >= 1, "solver.iterations = ", s.mpc.solver.iterations, ", expected at least 1");
  check(s.mpc.solver.relaxation > 0 && s.mpc.solver.relaxation < 2, "solver.relaxation = ", s.mpc.solver.relaxation, ", expected between 0 and 2");
  check(s.mpc.nodes >= 2 && s.mpc.nodes <= 200, "mpc.nodes = ", s.mpc.nodes, ", expected 2 to 200");
  check(s.mpc.control_dt > 0, "mpc.control_dt = ", s.mpc.control_dt, " s, expected more than 0");
  check(s.mpc.gait.period > 0, "gait.period = ", s.mpc.gait.period, " s, expected more than 0");
  check(s.mpc.gait.stance_fraction > 0 && s.mpc.gait.stance_fraction <= 1, "gait.stance_fraction = ", s.mpc.gait.stance_fraction,
        ", expected more than 0, at most 1");
  for (const auto& [name, value] : {std::pair{"solver.rho_scale", double(s.mpc.solver.rho_scale)},
                                    {"solver.osqp_rho", double(s.mpc.solver.osqp_rho)},
                                    {"solver.osqp_sigma", double(s.mpc.solver.osqp_sigma)}})
    check(value > 0, name, " = ", value, ", expected more than 0");
}

nlohmann::ordered_json value_of(const Field& field) {
  using Json = nlohmann::ordered_json;
  return std::visit(
      Overload{[](auto* p) { return Json(*p); }, [](float* p) { return Json(std::strtod(cat(*p).c_str(), nullptr)); },  // 0.1, not 0.10000000149
               [](SolverMode* p) { return Json(*p == SolverMode::kRiccati ? "riccati" : "osqp"); },
               [](Triple t) { return Json(std::vector<double>(t.value, t.value + 3)); }},
      field.target);
}

}  // namespace

RunSettings load_settings(const std::string& name) {
  RunSettings settings{load_robot(name), {}, {}};
  settings.mpc = make_mpc_settings(settings.robot);
  settings.sim.control_dt = settings.mpc.control_dt;
  return settings;
}

std::vector<Field> fields(RunSettings& s) {
  MpcSettings& m = s.mpc;
  MpcWeights& w = m.weights;
  SolverSettings& q = m.solver;
  return {{"mpc.nodes", &m.nodes},
          {"mpc.dt", &m.dt},
          {"mpc.control_dt", &m.control_dt},
          {"mpc.nominal", &m.nominal},
          {"mpc.friction", &m.friction},
          {"mpc.friction_sides", &m.friction_sides},
          {"mpc.foot_distance", &m.foot_distance},
          {"mpc.integral_gain", &m.integral_gain},
          {"mpc.integral_limit", &m.integral_limit},
          {"mpc.rho_stance", &m.rho_stance},
          {"mpc.rho_swing", &m.rho_swing},
          {"mpc.rho_feet", &m.rho_feet},
          {"mpc.rho_friction", &m.rho_friction},
          {"mpc.rho_position", &m.rho_position},
          {"mpc.rho_velocity", &m.rho_velocity},
          {"gait.period", &m.gait.period},
          {"gait.stance_fraction", &m.gait.stance_fraction},
          {"gait.offset", &m.gait.offset},
          {"gait.swing_height", &m.gait.swing_height},
          {"gait.takeoff_velocity", &m.gait.takeoff_velocity},
          {"gait.touchdown_velocity", &m.gait.touchdown_velocity},
          {"weights.base_position", Triple{w.base_position}},
          {"weights.base_orientation", Triple{w.base_orientation}},
          {"weights.base_linear_velocity", Triple{w.base_linear_velocity}},
          {"weights.base_angular_velocity", Triple{w.base_angular_velocity}},
          {"weights.force", Triple{w.force}},
          {"weights.joint_position", &w.joint_position},
          {"weights.joint_velocity", &w.joint_velocity},
          {"solver.mode", &q.mode},
          {"solver.iterations", &q.iterations},
          {"solver.relaxation", &q.relaxation},
          {"solver.rho_scale", &q.rho_scale},
          {"solver.warm_start", &q.warm_start},
          {"solver.tolerance", &q.tolerance},
          {"solver.osqp_rho", &q.osqp_rho},
          {"solver.osqp_sigma", &q.osqp_sigma},
          {"solver.osqp_scaling", &q.osqp_scaling},
          {"robot.base_height", &s.robot.base_height},
          {"robot.kp", &s.robot.kp},
          {"robot.kd", &s.robot.kd},
          {"robot.min_base_height", &s.robot.limits.min_base_height},
          {"robot.max_tilt", &s.robot.limits.max_tilt},
          {"sim.physics_dt", &s.sim.physics_dt}};
}

void apply_override(RunSettings& settings, const std::string& assignment) {
  const size_t equals = assignment.find('=');
  check(equals != std::string::npos && equals > 0, "--set ", assignment, ": expected name=value, for example --set solver.iterations=25");
  const std::string name = assignment.substr(0, equals);
  std::vector<std::string> names;
  for (const Field& field : fields(settings)) {
    names.push_back(field.name);
    if (field.name != name) continue;
    set_field(field, assignment.substr(equals + 1));
    check_ranges(settings);
    settings.sim.control_dt = settings.mpc.control_dt;
    return;
  }
  throw Error(cat("--set ", assignment, ": there is no setting \"", name, "\"; nearest: ", nearest(name, names)));
}

nlohmann::ordered_json to_json(RunSettings& settings) {
  nlohmann::ordered_json json;
  json["robot"] = settings.robot.name;
  for (const Field& field : fields(settings)) json[field.name] = value_of(field);
  return json;
}

std::vector<double> parse_numbers(const std::string& text, size_t count, const std::string& what) {
  std::vector<double> values;
  const char* p = text.c_str();
  for (;;) {
    char* end = nullptr;
    const double value = std::strtod(p, &end);
    check(end != p && (*end == ',' || *end == 0) && std::isfinite(value), what, " = ", text, ", expected ",
          count == 1   ? std::string("a number")
          : count == 0 ? std::string("numbers with commas between")
                       : cat(count, " numbers with commas between"));
    values.push_back(value);
    if (*end == 0) break;
    p = end + 1;
  }
  check(count == 0 || values.size() == count, what, " = ", text, ", expected ", count, count == 1 ? " number" : " numbers with commas between");
  return values;
}

}  // namespace tandem
