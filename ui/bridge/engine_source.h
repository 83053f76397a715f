// SPDX-License-Identifier: Apache-2.0
// Gives the inspection views what they ask of the engine: fills an InspectSource whenever a model
// comes or goes, and passes tier figures on. UI thread.
#pragma once

#include "ui/bridge/engine_host.h"
#include "ui/models/inspect_source.h"

namespace mneme {

std::shared_ptr<const InspectModel> inspectModelOf(
    std::shared_ptr<const EngineView> view);  // null for null

// Both live as long as the connections: until either is destroyed.
void connectInspectSource(EngineHost& host, InspectSource& source);

}  // namespace mneme
