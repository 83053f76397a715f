// SPDX-License-Identifier: Apache-2.0
// Whether an op can run: the shapes and element types that every backend relies on, checked once
// when a graph is compiled.
#pragma once

#include <string>

#include "gpu/graph.h"

namespace mneme {

// Empty when the op can run, else why not, for a person: "its weight is I8".
std::string why_unsupported(const Graph& graph, const Op& op);

}  // namespace mneme
