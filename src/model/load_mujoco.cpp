#include "model/load_mujoco.hpp"

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>

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
      if (!out.empty() && c[1]) out += "; ";
    } else {
      out += byte < 32 || byte == 127 ? '?' : *c;
    }
  }
  return out.empty() ? "MuJoCo gives no reason" : out;
}

// What to do about the messages people meet most.
const char* cure(const std::string& message) {
  if (message.find("mjMINVAL") != std::string::npos) return "; give the link an <inertial> with positive mass and inertia";
  if (message.find("unrecognized") != std::string::npos || message.find("Schema") != std::string::npos)
    return "; check the spelling against MuJoCo's XML reference";
  if (message.find("A + B >= C") != std::string::npos)
    return "; the three principal moments must be those of a real body: none larger than the sum of the others";
  return "";
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

std::string read_text(const std::string& path) {
  check(std::filesystem::is_regular_file(path), path, ": no such file");
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  check(in.good(), path, ": cannot be read, or is empty; check its permissions");
  return text.str();
}

MujocoFile compile_mujoco(const std::string& path, bool floating) {
  const std::string text = read_text(path);
  const std::string root = root_element(text);
  check(root == "mujoco" || root == "robot", path, ": the first element is <", one_line(root.substr(0, 40).c_str()),
        ">; expected <mujoco> (MJCF) or <robot> (URDF)");

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
  file.explicit_inertia.assign(file.model->nbody, 0);
  for (mjsElement* e = mjs_firstElement(spec.get(), mjOBJ_BODY); e; e = mjs_nextElement(spec.get(), e)) {
    const int id = mjs_getId(e);
    if (id >= 0 && id < file.model->nbody) file.explicit_inertia[id] = mjs_asBody(e)->explicitinertial;
  }
  return file;
}

}  // namespace tandem
