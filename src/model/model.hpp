// Model: a robot as a tree of rigid bodies, in plain numbers. Constant after loading; double precision; no MuJoCo type. docs/dynamics.md, section 1.
//
// Body 0 is the base. Body i >= 1 hangs on its parent by joint i - 1 (hinge or slide). Fixed links are merged into their parents by the loader.
// Parents come before children. Configuration q = [base position in world (3), base quaternion w x y z (4), joints (njnt)], velocity
// v = [base linear velocity in world (3), base angular velocity in base frame (3), joint velocities (njnt)]: MuJoCo's convention. A fixed base has
// neither: q and v hold the joints only.
#pragma once

#include <string>
#include <vector>

namespace tandem {

enum class JointType : int { kHinge = 0, kSlide = 1 };

struct ContactPoint {
  std::string name;
  int body;           // index of the body that carries it
  double p_BC[3];     // position in the body frame [m]
  int foot;           // index of the foot it belongs to
  double radius = 0;  // of a round foot around p_BC, which touches the ground that far below [m]; 0: the point itself touches
};

struct Model {
  std::string name;
  bool floating;                      // free-floating base (6 degrees of freedom) or fixed base
  int nbody;                          // bodies, base included; njnt = nbody - 1
  int njnt;                           // one-degree-of-freedom joints, all actuated
  int nq;                             // 7 + njnt, or njnt
  int nv;                             // 6 + njnt, or njnt
  double gravity[3] = {0, 0, -9.81};  // [m/s^2], world frame

  // per body (base included)
  std::vector<std::string> body_name;
  std::vector<int> parent;      // -1 for the base
  std::vector<double> mass;     // [kg]
  std::vector<double> com;      // centre of mass in the body frame [m]  (nbody, 3)
  std::vector<double> inertia;  // about the centre of mass, body axes: xx yy zz xy xz yz [kg m^2]  (nbody, 6)
  std::vector<double> p_PB;     // body frame in the parent frame at q = 0 [m]; base: in world  (nbody, 3)
  std::vector<double> R_PB;     // its rotation at q = 0, row-major  (nbody, 9)

  // per joint; joint j moves body j + 1
  std::vector<std::string> joint_name;
  std::vector<JointType> joint_type;
  std::vector<double> axis;          // unit vector in the body frame  (njnt, 3)
  std::vector<double> anchor;        // a point on the axis, body frame [m]  (njnt, 3)
  std::vector<double> armature;      // reflected inertia [kg m^2 or kg]  (njnt)
  std::vector<double> damping;       // [N m s/rad]  (njnt)
  std::vector<double> q_min, q_max;  // [rad or m]; -inf, inf where unlimited  (njnt)
  std::vector<double> v_max;         // [rad/s or m/s]  (njnt)
  std::vector<double> tau_max;       // [N m or N]  (njnt)

  std::vector<std::string> foot_name;
  std::vector<ContactPoint> contacts;  // ordered by foot
};

}  // namespace tandem
