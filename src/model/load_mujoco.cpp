#include "model/load_mujoco.hpp"

#include <mujoco/mjxmacro.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <limits>
#include <mutex>
#include <sstream>
#include <thread>

#include "base/check.hpp"

namespace tandem {
namespace {

using Spec = std::unique_ptr<mjSpec, void (*)(mjSpec*)>;

// MuJoCo's messages span lines and may hold raw bytes of the file: one printable line.
std::string one_line(const char* message) {
  std::string out;
  for (const char* c = message; c && *c; ++c) {
    const unsigned char byte = static_cast<unsigned char>(*c);
    if (byte == '\n' || byte == '\r') {
      if (!out.empty() && c[1]) out += out.back() == ':' ? " " : "; ";
    } else {
      out += byte < 32 || byte == 127 ? '?' : *c;
    }
  }
  return out.empty() ? "MuJoCo gives no reason" : out;
}

// What to do about the messages people meet most.
const char* cure(const std::string& message) {
  if (message.find("mjMINVAL") != std::string::npos) return "; give the link an <inertial> with positive mass and inertia";
  if (message.find("XML parse error") != std::string::npos) return "; look there, or just before, for a tag or a quote that is not closed";
  if (message.find("unrecognized") != std::string::npos || message.find("Schema") != std::string::npos)
    return "; check the spelling against MuJoCo's XML reference";
  if (message.find("A + B >= C") != std::string::npos)
    return "; the three principal moments must be those of a real body: none larger than the sum of the others";
  return "";
}

// Keeps MuJoCo from writing warnings to the console and to MUJOCO_LOG.TXT while a file is compiled: what matters is checked afterwards.
class QuietLog {
 public:
  QuietLog() : lock(mutex) {
    loader = std::this_thread::get_id();
    previous = mju_setLogHandler(handle);
  }
  ~QuietLog() { mju_setLogHandler(previous); }

 private:
  static void handle(const mjLogMessage* message) {
    if (std::this_thread::get_id() != loader) std::fprintf(stderr, "MuJoCo: %s\n", message->subject);
  }
  static inline std::mutex mutex;
  static inline std::thread::id loader;
  std::lock_guard<std::mutex> lock;
  mjfLogHandler previous;
};

// MuJoCo takes nan and inf for numbers anywhere in a file.
void check_finite(const mjModel* m, const std::string& path) {
  const auto check_array = [&](const char* name, const auto* values, std::int64_t count) {
    using T = std::remove_cvref_t<decltype(*values)>;
    if constexpr (std::is_floating_point_v<T>)
      for (std::int64_t i = 0; i < count; ++i)
        check(std::isfinite(values[i]), path, ": ", name, "[", i, "] is ", values[i],
              "; expected finite numbers everywhere: look for nan and inf in the file");
  };
  MJMODEL_POINTERS_PREAMBLE(m)
#define X(type, name, rows, columns) check_array(#name, m->name, static_cast<std::int64_t>(m->rows) * (columns));
  MJMODEL_POINTERS
#undef X
  check_array("option gravity", m->opt.gravity, 3);
  check_array("option timestep", &m->opt.timestep, 1);
}

// The name of the first element, which tells URDF (<robot>) from MJCF (<mujoco>).
std::string root_element(const std::string& text) {
  size_t at = 0;
  while ((at = text.find('<', at)) != std::string::npos) {
    if (text.compare(at, 4, "<!--") == 0) {
      at = text.find("-->", at);
    } else if (text.compare(at, 2, "<?") == 0 || text.compare(at, 2, "<!") == 0) {
      ++at;
    } else {
      return text.substr(at + 1, text.find_first_of(" \t\r\n/>", at) - at - 1);
    }
  }
  return "";
}

// Shapes play no part in the dynamics, and their mesh files are rarely at hand: drops them. Frees the root link if asked.
void prepare_urdf(mjSpec* spec, bool floating, const std::string& path) {
  spec->compiler.fusestatic = 0;
  for (const mjtObj type : {mjOBJ_GEOM, mjOBJ_MESH}) {
    while (mjsElement* element = mjs_firstElement(spec, type))
      check(mjs_delete(spec, element) == 0, path, ": cannot drop a shape: ", mjs_getError(spec));
  }
  mjsBody* world = mjs_findBody(spec, "world");
  mjsElement* root = world ? mjs_firstChild(world, mjOBJ_BODY, 0) : nullptr;
  check(root != nullptr, path, ": has no <link>; a robot needs at least one");
  if (floating && !mjs_firstChild(mjs_asBody(root), mjOBJ_JOINT, 0)) mjs_addFreeJoint(mjs_asBody(root));
}

}  // namespace

bool is_file(const std::string& path) {
  std::error_code error;
  return std::filesystem::is_regular_file(path, error);
}

std::string read_text(const std::string& path) {
  check(is_file(path), path, ": no such file");
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  check(in.good(), path, ": cannot be read, or is empty; check its permissions");
  return text.str();
}

bool is_urdf(const std::string& path) { return root_element(read_text(path)) == "robot"; }

MujocoFile compile_mujoco(const std::string& path, bool floating) {
  const std::string text = read_text(path);
  const std::string root = root_element(text);
  check(!root.empty(), path, ": has no XML element; expected <mujoco> (MJCF) or <robot> (URDF)");
  check(root == "mujoco" || root == "robot", path, ": the first element is <", one_line(root.substr(0, 40).c_str()),
        ">; expected <mujoco> (MJCF) or <robot> (URDF)");

  const QuietLog quiet;
  char error[1024] = "";
  const Spec spec(mj_parseXML(path.c_str(), nullptr, error, sizeof error), mj_deleteSpec);
  if (!spec) {
    const std::string message = one_line(error);
    throw Error(cat(path, ": ", message, cure(message)));
  }
  MujocoFile file;
  file.urdf = root == "robot";
  if (file.urdf) prepare_urdf(spec.get(), floating, path);

  file.model.reset(mj_compile(spec.get(), nullptr));
  if (!file.model) {
    const std::string message = one_line(mjs_getError(spec.get()));
    throw Error(cat(path, ": ", message, cure(message)));
  }
  check_finite(file.model.get(), path);
  fold_actuators(file.model.get());
  file.explicit_inertia.assign(file.model->nbody, 0);
  for (mjsElement* e = mjs_firstElement(spec.get(), mjOBJ_BODY); e; e = mjs_nextElement(spec.get(), e)) {
    const int id = mjs_getId(e);
    if (id >= 0 && id < file.model->nbody) file.explicit_inertia[id] = mjs_asBody(e)->explicitinertial;
  }
  return file;
}

void fold_actuators(mjModel* m) {
  bool inertia_changed = false;
  for (int a = 0; a < m->nactuator; ++a) {
    if (m->actuator_trntype[a] != mjTRN_JOINT && m->actuator_trntype[a] != mjTRN_JOINTINPARENT) continue;
    const int joint = m->actuator_trnid[2 * a], dof = m->jnt_dofadr[joint];
    if (m->jnt_type[joint] != mjJNT_HINGE && m->jnt_type[joint] != mjJNT_SLIDE) continue;
    const double gear = std::abs(m->actuator_gear[6 * m->actuator_outadr[a]]);
    inertia_changed |= m->actuator_armature[a] != 0;
    m->dof_armature[dof] += gear * gear * m->actuator_armature[a], m->actuator_armature[a] = 0;
    m->dof_damping[dof] += gear * gear * m->actuator_damping[a], m->actuator_damping[a] = 0;
    const double *of_joint = m->jnt_actfrcrange + 2 * joint, infinity = std::numeric_limits<double>::infinity();
    double* of_actuator = m->actuator_forcerange + 2 * a;
    double limit = m->actuator_forcelimited[a] ? gear * std::min(-of_actuator[0], of_actuator[1]) : infinity;
    if (m->jnt_actfrclimited[joint]) limit = std::min(limit, std::min(-of_joint[0], of_joint[1]));
    if (!(limit > 0 && std::isfinite(limit) && gear > 0)) continue;  // the loader says what is wrong
    of_actuator[0] = -limit / gear, of_actuator[1] = limit / gear;
    m->actuator_forcelimited[a] = 1, m->jnt_actfrclimited[joint] = 0;
  }
  if (!inertia_changed) return;
  const std::unique_ptr<mjData, void (*)(mjData*)> d(mj_makeData(m), mj_deleteData);
  check(d != nullptr, "out of memory for MuJoCo's data");
  mj_setConst(m, d.get());
}

}  // namespace tandem
