// The words of an error that is expected.
#pragma once

#include <string>
#include <utility>

#include "base/check.hpp"

namespace tandem {

// What the Error says that `call()` throws; empty if it throws none.
template <class Call>
std::string message_of(Call&& call) {
  try {
    std::forward<Call>(call)();
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

}  // namespace tandem
