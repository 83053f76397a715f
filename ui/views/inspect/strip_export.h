// SPDX-License-Identifier: Apache-2.0
// What the token strip shows, as a table: one line a token, every gate and write. UI thread.
#pragma once

#include <QString>

#include "ui/models/branch_trace.h"
#include "ui/models/inspect_source.h"

namespace mneme {

// Tokens [first, end) as CSV (RFC 4180), numbers with a point whatever the locale.
QString stripCsv(const BranchTrace& trace, const InspectSource& source, int first, int end);

}  // namespace mneme
