#include "sim/terrain_contact.hpp"

#include <mujoco/mujoco.h>

#include <algorithm>
#include <cmath>
#include <mutex>

#include "math/vec3.hpp"

namespace tandem {
namespace {

using Vec = Vec3<double>;

constexpr double kSame = 1e-9;    // two places nearer than this are one [m]
constexpr int kMaxTouches = 128;  // of one ball, triangle by triangle; more are left out

// A height field in its own axes.
struct Surface {
  const float* height;  // in shares of `top`
  int rows, columns;
  double half_x, half_y, cell_x, cell_y, top;  // [m]

  Vec at(int r, int c) const { return {c * cell_x - half_x, r * cell_y - half_y, top * height[size_t(r) * columns + c]}; }
};

struct Triangle {
  Vec a, b, c;
};

struct Ball {
  Vec centre;
  double radius, margin;
};

struct Touch {
  Triangle on;
  Vec point, normal;  // of the surface, up and out of it
  double distance;    // of the two surfaces, negative if the ball is let in [m]
};

// Rows and columns of the cells that may touch.
struct Window {
  int r_min, r_max, c_min, c_max;
};

Surface surface_of(const mjModel* m, int geom) {
  const int field = m->geom_dataid[geom], rows = m->hfield_nrow[field], columns = m->hfield_ncol[field];
  const double* size = m->hfield_size + 4 * field;
  return {m->hfield_data + m->hfield_adr[field], rows, columns, size[0], size[1], 2 * size[0] / (columns - 1), 2 * size[1] / (rows - 1), size[2]};
}

double length(Vec a) { return std::sqrt(dot(a, a)); }
double distance(Vec a, Vec b) { return length(a - b); }

Window window(const Surface& s, Vec from, Vec to, double reach) {
  const auto cell = [](double at, double half, double size, int cells) { return int(std::fmin(std::fmax((at + half) / size, 0), cells - 1)); };
  return {cell(std::min(from.y, to.y) - reach, s.half_y, s.cell_y, s.rows - 1), cell(std::max(from.y, to.y) + reach, s.half_y, s.cell_y, s.rows - 1),
          cell(std::min(from.x, to.x) - reach, s.half_x, s.cell_x, s.columns - 1),
          cell(std::max(from.x, to.x) + reach, s.half_x, s.cell_x, s.columns - 1)};
}

// Of a cell cut from (r, c) to (r + 1, c + 1): the triangle towards x, or the other one; both turn left seen from above.
Triangle triangle(const Surface& s, int r, int c, bool right) {
  if (right) return {s.at(r, c), s.at(r, c + 1), s.at(r + 1, c + 1)};
  return {s.at(r, c), s.at(r + 1, c + 1), s.at(r + 1, c)};
}

Vec closest_on_edge(Vec a, Vec b, Vec p) { return a + std::clamp(dot(p - a, b - a) / dot(b - a, b - a), 0.0, 1.0) * (b - a); }

Vec closest_on_triangle(const Triangle& t, Vec p) {
  const Vec normal = cross(t.b - t.a, t.c - t.a);
  const auto inside = [&](Vec from, Vec to) { return dot(cross(to - from, p - from), normal) >= 0; };
  if (inside(t.a, t.b) && inside(t.b, t.c) && inside(t.c, t.a)) return p - (dot(p - t.a, normal) / dot(normal, normal)) * normal;
  Vec best = closest_on_edge(t.a, t.b, p);
  for (const Vec candidate : {closest_on_edge(t.b, t.c, p), closest_on_edge(t.c, t.a, p)}) {
    if (distance(candidate, p) < distance(best, p)) best = candidate;
  }
  return best;
}

bool is_under(const Surface& s, Vec p) {
  const Window w = window(s, p, p, 0);
  const Vec corner = s.at(w.r_min, w.c_min);
  const Triangle t = triangle(s, w.r_min, w.c_min, (p.x - corner.x) * s.cell_y > (p.y - corner.y) * s.cell_x);
  return dot(p - t.a, cross(t.b - t.a, t.c - t.a)) < 0;
}

// Where a ball touches one triangle, its centre above the surface or under it.
Touch touch(const Triangle& on, const Ball& ball, bool under) {
  const Vec point = closest_on_triangle(on, ball.centre), away = under ? point - ball.centre : ball.centre - point,
            up = cross(on.b - on.a, on.c - on.a);
  const double gap = length(away);
  const Vec normal = gap > kSame ? (1 / gap) * away : (1 / length(up)) * up;
  return {on, point, normal, (under ? -gap : gap) - ball.radius};
}

// False if a triangle around this touch has a place nearer to the ball, or if an earlier touch is at the same place.
bool is_lowest(const Touch* touches, int count, int i) {
  for (int j = 0; j < count; ++j) {
    if (j == i || distance(closest_on_triangle(touches[j].on, touches[i].point), touches[i].point) > kSame) continue;
    if (j < i || distance(touches[j].point, touches[i].point) > kSame) return false;
  }
  return true;
}

// Contacts of a ball within the field's sides; returns their number, at most `most`. For a centre under the surface it is one, the shortest way out.
int ball_contacts(const Surface& s, const Ball& ball, Touch* out, int most) {
  if (std::abs(ball.centre.x) > s.half_x || std::abs(ball.centre.y) > s.half_y) return 0;
  const bool under = is_under(s, ball.centre);
  const Window w = window(s, ball.centre, ball.centre, ball.radius + ball.margin);
  Touch touches[kMaxTouches];
  int count = 0, found = 0;
  for (int r = w.r_min; r <= w.r_max; ++r) {
    for (int c = w.c_min; c <= w.c_max; ++c) {
      for (const bool right : {false, true}) {
        const Touch t = touch(triangle(s, r, c, right), ball, under);
        if (under && (count == 0 || t.distance > touches[0].distance)) touches[0] = t, count = 1;
        if (!under && t.distance < ball.margin && count < kMaxTouches) touches[count++] = t;
      }
    }
  }
  for (int i = 0; i < count && found < most; ++i) {
    if (is_lowest(touches, count, i)) out[found++] = touches[i];
  }
  return found;
}

// Whether a capsule touches the edge from a to b between its own ends, with no place of the surface nearer, and how.
//   axis  ends of the capsule's axis
bool touches_edge(const Surface& s, const Vec axis[2], const Ball& ball, Vec a, Vec b, Touch& out) {
  const Vec u = axis[1] - axis[0], v = b - a, w = axis[0] - a;
  const double uu = dot(u, u), uv = dot(u, v), vv = dot(v, v), det = uu * vv - uv * uv;
  if (det < kSame * uu * vv) return false;  // alongside the edge: the ends rest on it
  const double e = std::clamp((uu * dot(v, w) - uv * dot(u, w)) / det, 0.0, 1.0), t = (e * uv - dot(u, w)) / uu;
  const Vec on_edge = a + e * v, centre = axis[0] + t * u;
  if (!(t > 0 && t < 1) || distance(on_edge, centre) > ball.radius + ball.margin) return false;
  Touch touches[mjMAXCONPAIR];
  const int count = ball_contacts(s, {centre, ball.radius, ball.margin}, touches, mjMAXCONPAIR);
  for (int i = 0; i < count; ++i) {
    if (distance(touches[i].point, on_edge) < kSame) return out = touches[i], true;
  }
  return false;
}

// Contacts of a capsule of the ball's radius; returns their number, at most `most`.
int capsule_contacts(const Surface& s, const Vec axis[2], const Ball& ball, Touch* out, int most) {
  int found = 0;
  for (int i = 0; i < 2; ++i) found += ball_contacts(s, {axis[i], ball.radius, ball.margin}, out + found, most - found);
  const Window w = window(s, axis[0], axis[1], ball.radius + ball.margin);
  for (int r = w.r_min; r <= w.r_max; ++r) {
    for (int c = w.c_min; c <= w.c_max; ++c) {
      const Vec corner = s.at(r, c);
      for (const Vec to : {s.at(r, c + 1), s.at(r + 1, c), s.at(r + 1, c + 1)}) {
        Touch t;
        if (found == most || !touches_edge(s, axis, ball, corner, to, t)) continue;
        Touch* same = std::find_if(out, out + found, [&](const Touch& other) { return distance(other.point, t.point) < kSame; });
        if (same == out + found) ++found, *same = t;
        if (t.distance < same->distance) *same = t;  // an end touched it less deeply
      }
    }
  }
  return found;
}

// What mjCOLLISIONFUNC asks for: contacts of geom 1, a height field, with geom 2.
int collide(const mjModel* m, mjData* d, mjPreContact* contacts, int geom1, int geom2, mjtNum margin) {
  const Surface s = surface_of(m, geom1);
  const Mat3<double> R = load33<double>(d->geom_xmat + 9 * geom1);
  const Vec origin = load3<double>(d->geom_xpos + 3 * geom1), centre = mul_t(R, load3<double>(d->geom_xpos + 3 * geom2) - origin);
  const double* mat = d->geom_xmat + 9 * geom2;
  const bool capsule = m->geom_type[geom2] == mjGEOM_CAPSULE;
  const Vec half = capsule ? m->geom_size[3 * geom2 + 1] * mul_t(R, Vec{mat[2], mat[5], mat[8]}) : Vec{0, 0, 0};
  const Ball ball{centre, m->geom_size[3 * geom2], margin};
  if (centre.z - std::abs(half.z) - ball.radius - margin > s.top) return 0;
  Touch touches[mjMAXCONPAIR];
  const Vec axis[2] = {centre - half, centre + half};
  const int count = capsule ? capsule_contacts(s, axis, ball, touches, mjMAXCONPAIR) : ball_contacts(s, ball, touches, mjMAXCONPAIR);
  for (int i = 0; i < count; ++i) {
    const Touch& t = touches[i];
    contacts[i].dist = t.distance;
    store3(contacts[i].pos, origin + R * (t.point + (0.5 * t.distance) * t.normal));  // midway between the two surfaces
    store3(contacts[i].normal, R * t.normal);
    mju_zero3(contacts[i].tangent);
  }
  return count;
}

}  // namespace

void use_terrain_contacts() {
  static std::once_flag once;  // other threads may be reading the table
  std::call_once(once, [] {
    for (const mjtGeom type : {mjGEOM_SPHERE, mjGEOM_CAPSULE}) mjCOLLISIONFUNC[mjGEOM_HFIELD][type] = collide;
  });
}

}  // namespace tandem
