#include "model/robot.hpp"

#include <nanobind/stl/filesystem.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include "arrays.hpp"
#include "bind.hpp"

namespace tandem::python {
namespace {

// A property that is a list of numbers of the robot.
auto numbers(std::vector<double> Robot::* field) {
  return [field](Held<Robot> self) { return view<const double>((self.p->*field).data(), self.h, {(self.p->*field).size()}); };
}
auto model_numbers(std::vector<double> Model::* field) {
  return [field](Held<Robot> self) { return view<const double>((self.p->model.*field).data(), self.h, {(self.p->model.*field).size()}); };
}

std::vector<std::string> contact_names(const Robot& robot) {
  std::vector<std::string> names;
  for (const ContactPoint& contact : robot.model.contacts) names.push_back(contact.name);
  return names;
}

std::vector<int> contact_feet(const Robot& robot) {
  std::vector<int> feet;
  for (const ContactPoint& contact : robot.model.contacts) feet.push_back(contact.foot);
  return feet;
}

std::vector<int> contact_bodies(const Robot& robot) {
  std::vector<int> bodies;
  for (const ContactPoint& contact : robot.model.contacts) bodies.push_back(contact.body);
  return bodies;
}

nb::object contact_positions(const Robot& robot) {
  nb::list rows;
  for (const ContactPoint& contact : robot.model.contacts) rows.append(nb::make_tuple(contact.p_BC[0], contact.p_BC[1], contact.p_BC[2]));
  return rows;
}

std::vector<std::string> action_joint_names(const Robot& robot) {
  std::vector<std::string> names;
  for (const int joint : robot.action_joint) names.push_back(robot.model.joint_name[joint]);
  return names;
}

void bind_sizes(nb::class_<Robot>& robot) {
  robot
      .def_prop_ro(
          "nq", [](const Robot& r) { return r.model.nq; }, "Numbers of a configuration q: base position, base quaternion (w, x, y, z), joints.")
      .def_prop_ro(
          "nv", [](const Robot& r) { return r.model.nv; }, "Numbers of a velocity v: base linear in world, base angular in base frame, joints.")
      .def_prop_ro(
          "njnt", [](const Robot& r) { return r.model.njnt; }, "Joints.")
      .def_prop_ro(
          "nbody", [](const Robot& r) { return r.model.nbody; }, "Bodies, base included.")
      .def_prop_ro(
          "nfoot", [](const Robot& r) { return r.model.foot_name.size(); }, "Feet.")
      .def_prop_ro(
          "ncon", [](const Robot& r) { return r.model.contacts.size(); }, "Contact points, ordered by foot.")
      .def_prop_ro(
          "naction", [](const Robot& r) { return r.action_joint.size(); }, "Joints that a policy moves.")
      .def_prop_ro("floating", [](const Robot& r) { return r.model.floating; }, "Whether the base floats.");
}

void bind_names(nb::class_<Robot>& robot) {
  robot.def_ro("name", &Robot::name, "Name of its folder.")
      .def_ro("model_path", &Robot::model_path, "The MJCF or URDF file.")
      .def_prop_ro(
          "joint_names", [](const Robot& r) { return r.model.joint_name; }, "In the order of q and v.")
      .def_prop_ro(
          "body_names", [](const Robot& r) { return r.model.body_name; }, "The base first.")
      .def_prop_ro(
          "foot_names", [](const Robot& r) { return r.model.foot_name; }, "In the order of the gait's offsets.")
      .def_prop_ro("contact_names", &contact_names, "In the order of contact forces.")
      .def_prop_ro("contact_feet", &contact_feet, "Index in foot_names of each contact point.")
      .def_prop_ro("contact_bodies", &contact_bodies, "Index in body_names of each contact point.")
      .def_prop_ro("contact_positions", &contact_positions, "Of each contact point, (x, y, z) in the axes of its body [m].")
      .def_ro("foot_geoms", &Robot::foot_geoms, "Shapes that may touch the ground; empty: those whose name begins with their foot's.")
      .def_prop_ro("action_joint_names", &action_joint_names, "In the order of actions.");
}

void bind_values(nb::class_<Robot>& robot) {
  robot.def_ro("base_height", &Robot::base_height, "Commanded height of the base [m].")
      .def_ro("friction", &Robot::friction, "Friction coefficient that the controller counts on.")
      .def_prop_ro(
          "mass",
          [](const Robot& r) {
            double sum = 0;
            for (const double m : r.model.mass) sum += m;
            return sum;
          },
          "Of all bodies [kg].")
      .def_prop_ro("stand", numbers(&Robot::stand), "Configuration to start from  (nq).")
      .def_prop_ro("nominal", numbers(&Robot::nominal), "Joint positions to stay close to [rad]  (njnt).")
      .def_prop_ro("kp", numbers(&Robot::kp), "Gains of the joints [N m/rad]  (njnt).")
      .def_prop_ro("kd", numbers(&Robot::kd), "Gains of the joints [N m s/rad]  (njnt).")
      .def_prop_ro("q_min", model_numbers(&Model::q_min), "Joint limits [rad], -inf where there is none  (njnt).")
      .def_prop_ro("q_max", model_numbers(&Model::q_max), "Joint limits [rad]  (njnt).")
      .def_prop_ro("v_max", model_numbers(&Model::v_max), "Joint velocity limits [rad/s], inf where there is none  (njnt).")
      .def_prop_ro("tau_max", model_numbers(&Model::tau_max), "Joint torque limits [N m]  (njnt).");
}

}  // namespace

void bind_robot(nb::module_& module) {
  nb::class_<Robot> robot(module, "Robot", "A robot: its model and everything else a controller must know about it. Constant; docs/robots.md.");
  robot.def(
      "__init__",
      [](Robot* self, const std::filesystem::path& name, const std::filesystem::path& folder) { new (self) Robot(load_robot(name, folder)); },
      nb::arg("name"), nb::arg("robots_folder") = "",
      "Reads a robot.\n\n"
      "name: of a folder in `robots_folder`, or the path of a robot.toml or of the folder that holds it.\n"
      "robots_folder: empty for the robots that come with the package, or those of the environment variable TANDEM_ROBOTS.\n\n"
      "Raises Error naming file, line, expectation and cure.");
  bind_sizes(robot);
  bind_names(robot);
  bind_values(robot);
  robot.def("__repr__", [](const Robot& r) { return "Robot(\"" + r.name + "\")"; });
  module.def(
      "robot_names", [](const std::filesystem::path& folder) { return robot_names(folder); }, nb::arg("robots_folder") = "",
      "Names of the robots in `robots_folder`, sorted.");
}

}  // namespace tandem::python
