// Names in files: patterns that select them, and the likely ones to suggest when one does not exist.
#pragma once

#include <string>
#include <vector>

namespace tandem {

// True if `name` matches `pattern`, in which * stands for any run of characters, also none.
bool matches(const std::string& pattern, const std::string& name);

// The up to three of `candidates` that need the fewest edits to become `name`, quoted and joined: "foot_l", "foot_r". None if there are no candidates.
std::string nearest(const std::string& name, const std::vector<std::string>& candidates);

}  // namespace tandem
