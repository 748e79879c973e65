// Settings by name: one list of named numbers, texts and choices serves --set on the command line, TOML files, and the `settings` of a JSON report.
#pragma once

#include <cstdint>
#include <limits>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <variant>
#include <vector>

namespace tandem {

// What a number must be. An open end is not allowed itself.
struct Range {
  double low = -std::numeric_limits<double>::max();
  double high = std::numeric_limits<double>::max();
  bool low_open = false, high_open = false;
};
inline constexpr Range at_least(double low) { return {low}; }
inline constexpr Range more_than(double low) { return {low, Range{}.high, true}; }

// A file keeps whole numbers up to here.
inline constexpr std::uint64_t kLargestSeed = std::uint64_t{1} << 53;

// Kinds of fields beyond plain numbers. A list takes one value for all or one each, and keeps its length.
struct Triple {
  double* value;  // (3)
};
struct Interval {
  double* value;  // lowest, highest  (2)
};
struct FreeList {
  std::vector<double>* value;  // may become longer or shorter
};
// An enumeration whose values are 0, 1, ... in the order of the names.
struct Choice {
  void* value;
  std::vector<std::string> names;
  int (*get)(const void* value);
  void (*set)(void* value, int chosen);
};
template <class Enum>
Choice make_choice(Enum* value, std::vector<std::string> names) {
  return {value, std::move(names), [](const void* p) { return static_cast<int>(*static_cast<const Enum*>(p)); },
          [](void* p, int chosen) { *static_cast<Enum*>(p) = static_cast<Enum>(chosen); }};
}

// A named setting, pointing into the structure that holds it.
struct Field {
  using Target = std::variant<double*, float*, int*, std::uint64_t*, bool*, std::string*, Triple, Interval, std::vector<double>*, FreeList, Choice>;

  std::string name;  // "solver.iterations", "reward.torque", ...
  Target target;
  Range range = {};  // of every number in it
};
using Fields = std::vector<Field>;

// Where the field's value is stored.
const void* address(const Field& field);

// The field's value as it reads in a report. A float has as many digits as it takes to read the same float back.
nlohmann::ordered_json value_of(const Field& field);
// {"mpc.nodes": 12, ...}
nlohmann::ordered_json to_json(const Fields& fields);

// Writes the value into the field. Throws Error "name = value, expected ..." if it is of the wrong kind, number or range; the field then stays as it was.
void set_field(const Field& field, const std::string& text);  // lists: "1,2,3", or "[1, 2, 3]" as in a file
void set_field(const Field& field, const nlohmann::ordered_json& value);

// Applies "name=value" as typed after `option` (--set). Throws Error on another form, on an unknown name (with the nearest ones), and as set_field does.
void apply_assignment(const Fields& fields, const std::string& assignment, const std::string& option = "--set");

// Sets the fields that a TOML file names. Tables are prefixes: "torque = -1e-4" under [reward] is the field reward.torque.
//   table    read only this table of the file, as if it were a file: "task"; empty: the whole file. A table that is missing sets nothing
//   foreign  tables to pass over, because they are for other readers: "ppo"
// Throws Error with file:line: what TOML refuses, unknown names (with the nearest ones), and as set_field does.
void read_fields(const std::string& path, const Fields& fields, const std::string& table = "", const std::vector<std::string>& foreign = {});

// The fields as a TOML file that read_fields reads back to the same values, in their order, a table per prefix.
std::string to_toml(const Fields& fields);

// "a,b,c" as numbers; throws Error naming `what` unless there are `count` of them (0: at least one) and all are finite.
std::vector<double> parse_numbers(const std::string& text, size_t count, const std::string& what);

}  // namespace tandem
