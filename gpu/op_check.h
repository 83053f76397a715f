// SPDX-License-Identifier: Apache-2.0
// Whether an op can run: the shapes and element types that every backend relies on, checked once
// when a graph is compiled.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "gpu/graph.h"

namespace mneme {

// Empty when the op can run, else why not, for a person: "its weight is I8".
std::string why_unsupported(const Graph& graph, const Op& op);

// Every op of the graph. `why_not` is a backend's own form of why_unsupported(), `backend` its name
// for a person. Errors: unsupported, naming the first op that cannot run.
Status check_ops(const Graph& graph, std::string_view backend,
                 std::string (*why_not)(const Graph&, const Op&));

}  // namespace mneme
