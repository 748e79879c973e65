// Reading TOML with errors that name file, line, expectation and cure. Internal to model/.
#pragma once

#include <toml++/toml.h>
#include <limits>
#include <string>
#include <vector>

namespace tandem {

// A table of a file. `where` is its name for messages: "[mpc.weights]", or "the file" for the outermost.
struct Section {
  const toml::table* table;
  std::string file, where;
};

// What a number must be; both ends allowed.
struct Bounds {
  double low = -std::numeric_limits<double>::max();
  double high = std::numeric_limits<double>::max();
};

// Parses the file; throws Error with file:line.
toml::table parse_toml(const std::string& path);

// "file:line" of a node, or of the table itself.
std::string place(const Section& section, const toml::node& node);
std::string place(const Section& section);

// Throws if the section has a key that is not in `known`, naming the nearest ones.
void only_keys(const Section& section, const std::vector<std::string>& known);

// The sub-table `key`; an empty one if it is missing and not `required`.
Section subsection(const Section& section, const std::string& key, bool required);

// Values. Those with a default return it when the key is missing; the others throw.
double number(const Section& section, const std::string& key, Bounds bounds);
double number(const Section& section, const std::string& key, Bounds bounds, double otherwise);
int whole_number(const Section& section, const std::string& key, Bounds bounds, int otherwise);
std::string text(const Section& section, const std::string& key);
std::vector<double> numbers(const Section& section, const std::string& key, size_t count, Bounds bounds);
std::vector<double> numbers(const Section& section, const std::string& key, size_t count, Bounds bounds, const std::vector<double>& otherwise);
std::vector<std::string> texts(const Section& section, const std::string& key, const std::vector<std::string>& otherwise);

// The tables of the array `key`; none if it is missing.
std::vector<Section> sections(const Section& section, const std::string& key);

// A number per name from a table of patterns (names.hpp), later lines first. Every pattern must match a name. A name without a match gets `otherwise`,
// or throws if that is NaN.
std::vector<double> by_name(const Section& section, const std::vector<std::string>& names, Bounds bounds, double otherwise);

}  // namespace tandem
