// SPDX-License-Identifier: Apache-2.0
#include "ui/models/inspect_source.h"

#include <utility>

namespace mneme {

void InspectSource::setModel(std::shared_ptr<const InspectModel> model) {
  m_model = std::move(model);
  m_tiers = {};
  Q_EMIT modelChanged();
}

void InspectSource::setTiers(const TierStats& tiers) {
  m_tiers = tiers;
  Q_EMIT tiersUpdated(m_tiers);
}

}  // namespace mneme
