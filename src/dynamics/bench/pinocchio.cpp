// Compiled only where Pinocchio's headers are (CMakeLists.txt beside this file).
#include "dynamics/bench/pinocchio.hpp"

#include <pinocchio/multibody.hpp>
// first the model, then what works on it
#include <pinocchio/algorithm/centroidal.hpp>
#include <pinocchio/algorithm/crba.hpp>
#include <pinocchio/algorithm/kinematics.hpp>
#include <pinocchio/algorithm/rnea-derivatives.hpp>
#include <pinocchio/algorithm/rnea.hpp>

namespace tandem {
namespace {

namespace pin = pinocchio;
using Eigen::Map;
using Eigen::Matrix3d;
using Eigen::MatrixXd;
using Eigen::Vector3d;
using Eigen::VectorXd;
using RowMatrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using Rotation = Eigen::Matrix<double, 3, 3, Eigen::RowMajor>;

Matrix3d symmetric(const double* s) {
  Matrix3d I;
  I << s[0], s[3], s[4], s[3], s[1], s[5], s[4], s[5], s[2];
  return I;
}
Matrix3d hat(const Vector3d& a) { return pin::skew(a); }

// The joints that a Model has, in the place of all that Pinocchio has, which take three times as long to compile.
template <class S, int options>
struct Joints {
  static constexpr int Options = options;
  using JointModelVariant =
      boost::variant<pin::JointModelRevoluteTpl<S, options, 0>, pin::JointModelRevoluteTpl<S, options, 1>, pin::JointModelRevoluteTpl<S, options, 2>,
                     pin::JointModelPrismaticTpl<S, options, 0>, pin::JointModelPrismaticTpl<S, options, 1>,
                     pin::JointModelPrismaticTpl<S, options, 2>, pin::JointModelRevoluteUnalignedTpl<S, options>,
                     pin::JointModelPrismaticUnalignedTpl<S, options>, pin::JointModelFreeFlyerTpl<S, options>>;
  using JointDataVariant =
      boost::variant<pin::JointDataRevoluteTpl<S, options, 0>, pin::JointDataRevoluteTpl<S, options, 1>, pin::JointDataRevoluteTpl<S, options, 2>,
                     pin::JointDataPrismaticTpl<S, options, 0>, pin::JointDataPrismaticTpl<S, options, 1>, pin::JointDataPrismaticTpl<S, options, 2>,
                     pin::JointDataRevoluteUnalignedTpl<S, options>, pin::JointDataPrismaticUnalignedTpl<S, options>,
                     pin::JointDataFreeFlyerTpl<S, options>>;
};
using PinModel = pin::ModelTpl<double, 0, Joints>;
using PinData = pin::DataTpl<double, 0, Joints>;
using PinJoint = pin::JointModelTpl<double, 0, Joints>;

// Joints about coordinate axes get Pinocchio's faster types, as its own loaders do.
PinJoint joint_model(JointType type, const Vector3d& axis) {
  const bool hinge = type == JointType::kHinge;
  if (axis == Vector3d::UnitX()) return hinge ? PinJoint(pin::JointModelRX()) : PinJoint(pin::JointModelPX());
  if (axis == Vector3d::UnitY()) return hinge ? PinJoint(pin::JointModelRY()) : PinJoint(pin::JointModelPY());
  if (axis == Vector3d::UnitZ()) return hinge ? PinJoint(pin::JointModelRZ()) : PinJoint(pin::JointModelPZ());
  return hinge ? PinJoint(pin::JointModelRevoluteUnaligned(axis)) : PinJoint(pin::JointModelPrismaticUnaligned(axis));
}

class Reference final : public PinocchioReference {
 public:
  explicit Reference(const Model& model) : model_(model), pin_(build(model)), data_(pin_) {}

  void set_states(const std::vector<std::vector<double>>& q, const std::vector<std::vector<double>>& v,
                  const std::vector<std::vector<double>>& a) override {
    states_.clear();
    for (size_t i = 0; i < q.size(); ++i) states_.push_back(convert(q[i], v[i], a[i]));
  }

  void run(BenchKernel kernel, int i) override {
    const State& s = states_[i];
    switch (kernel) {
      case BenchKernel::kForwardKinematics:
        pin::forwardKinematics(pin_, data_, s.q);
        break;
      case BenchKernel::kRnea:
        pin::rnea(pin_, data_, s.q, s.v, s.a);
        break;
      case BenchKernel::kCrba:
        pin::crba(pin_, data_, s.q);
        break;
      case BenchKernel::kCentroidal:
        pin::ccrba(pin_, data_, s.q, s.v);
        break;
      case BenchKernel::kRneaDerivatives:
        pin::computeRNEADerivatives(pin_, data_, s.q, s.v, s.a);
        break;
    }
  }

  std::vector<double> result(BenchKernel kernel, int i) override {
    const State& s = states_[i];
    switch (kernel) {
      case BenchKernel::kForwardKinematics:
        return poses(s);
      case BenchKernel::kRnea:
        return rows(force_to_ours(s, data_.tau));
      case BenchKernel::kCrba:
        return rows(s.X.transpose() * symmetric_mass() * s.X);
      case BenchKernel::kCentroidal:
        return centroidal(s);
      case BenchKernel::kRneaDerivatives:
        return derivatives(s);
    }
    return {};
  }

 private:
  // Pinocchio's state, and v_pin = X v with X = diag(R', 1, 1).
  struct State {
    VectorXd q, v, a, v_ours, a_ours;
    Matrix3d R;
    MatrixXd X;
  };

  static PinModel build(const Model& model) {
    PinModel out;
    std::vector<pin::JointIndex> joint(model.nbody, 0);
    const auto anchor = [&](int i) -> Vector3d { return i == 0 ? Vector3d::Zero() : Vector3d(Map<const Vector3d>(&model.anchor[3 * (i - 1)])); };
    for (int i = 0; i < model.nbody; ++i) {
      const Vector3d p = Map<const Vector3d>(&model.p_PB[3 * i]), com = Map<const Vector3d>(&model.com[3 * i]);
      const Matrix3d R = Map<const Rotation>(&model.R_PB[9 * i]);
      // Pinocchio's joint frame: axes of the body, origin at the anchor
      pin::SE3 placement(R, p + R * anchor(i));
      if (i == 0) joint[0] = out.addJoint(0, pin::JointModelFreeFlyer(), pin::SE3::Identity(), "base");
      if (i > 0) {
        const int parent = model.parent[i];
        placement.translation() -= anchor(parent);
        joint[i] = out.addJoint(joint[parent], joint_model(model.joint_type[i - 1], Map<const Vector3d>(&model.axis[3 * (i - 1)])), placement,
                                model.body_name[i]);
        out.armature[out.joints[joint[i]].idx_v()] = model.armature[i - 1];
      }
      out.appendBodyToJoint(joint[i], pin::Inertia(model.mass[i], com - anchor(i), symmetric(&model.inertia[6 * i])));
    }
    out.gravity.linear() = Map<const Vector3d>(model.gravity);
    return out;
  }

  State convert(const std::vector<double>& q, const std::vector<double>& v, const std::vector<double>& a) const {
    State s{
        Map<const VectorXd>(q.data(), q.size()), Map<const VectorXd>(v.data(), v.size()), Map<const VectorXd>(a.data(), a.size()), {}, {}, {}, {}};
    s.v_ours = s.v;
    s.a_ours = s.a;
    s.X = MatrixXd::Identity(model_.nv, model_.nv);
    s.q.segment<4>(3) << q[4], q[5], q[6], q[3];
    s.R = Eigen::Quaterniond(q[3], q[4], q[5], q[6]).toRotationMatrix();
    s.X.topLeftCorner<3, 3>() = s.R.transpose();
    s.v = s.X * s.v_ours;
    s.a = s.X * s.a_ours;
    s.a.head<3>() -= s.v.segment<3>(3).cross(s.v.head<3>());
    return s;
  }

  VectorXd force_to_ours(const State& s, const VectorXd& tau) const { return s.X.transpose() * tau; }
  MatrixXd symmetric_mass() const { return MatrixXd(data_.M.selfadjointView<Eigen::Upper>()); }
  static std::vector<double> rows(const MatrixXd& A) {
    std::vector<double> out(A.size());
    Map<RowMatrix>(out.data(), A.rows(), A.cols()) = A;
    return out;
  }

  std::vector<double> poses(const State& s) const {
    std::vector<double> out(12 * model_.nbody);
    const Vector3d origin = s.q.head<3>();
    for (int i = 0; i < model_.nbody; ++i) {
      const int joint = i + 1;  // 0 is the world
      Matrix3d R = data_.oMi[joint].rotation();
      Vector3d p = data_.oMi[joint].translation();
      if (i > 0) p -= R * Map<const Vector3d>(&model_.anchor[3 * (i - 1)]);
      Map<Rotation> R_out(&out[9 * i]);
      Map<Vector3d> p_out(&out[9 * model_.nbody + 3 * i]);
      R_out = R;
      p_out = p - origin;
    }
    return out;
  }

  std::vector<double> centroidal(const State& s) const {
    const MatrixXd A = data_.Ag * s.X;
    MatrixXd ours(6, model_.nv);
    ours << A.bottomRows(3), A.topRows(3);
    std::vector<double> out = rows(ours);
    const Vector3d n = data_.hg.angular(), f = data_.hg.linear();
    out.insert(out.end(), n.data(), n.data() + 3);
    out.insert(out.end(), f.data(), f.data() + 3);
    return out;
  }

  // Chain rule from Pinocchio's local base velocity and acceleration to ours: v = R' v_W, a = R' a_W - w x v, tau_W = R tau.
  std::vector<double> derivatives(const State& s) const {
    MatrixXd dq = data_.dtau_dq * s.X, dv = data_.dtau_dv * s.X;
    const MatrixXd M = symmetric_mass();
    const Vector3d v = s.v.head<3>(), w = s.v.segment<3>(3);
    const Matrix3d dv_turn = hat(v), da_turn = hat(s.R.transpose() * s.a_ours.head<3>()) - hat(w) * hat(v);
    dq.middleCols<3>(3) += data_.dtau_dv.leftCols<3>() * dv_turn + M.leftCols<3>() * da_turn;
    dq.block<3, 3>(0, 3) -= hat(data_.tau.head<3>());
    dv.leftCols<3>() -= M.leftCols<3>() * hat(w) * s.R.transpose();
    dv.middleCols<3>(3) += M.leftCols<3>() * hat(v);
    std::vector<double> out = rows(s.X.transpose() * dq), more = rows(s.X.transpose() * dv);
    out.insert(out.end(), more.begin(), more.end());
    return out;
  }

  Model model_;
  PinModel pin_;
  PinData data_;
  std::vector<State> states_;
};

}  // namespace

std::unique_ptr<PinocchioReference> make_pinocchio_reference(const Model& model) { return std::make_unique<Reference>(model); }

}  // namespace tandem
