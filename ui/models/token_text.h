// SPDX-License-Identifier: Apache-2.0
// Tokens and tiers in words: what a person reads for bytes, blanks and memory levels. UI thread.
#pragma once

#include <QString>
#include <string>

#include "engram/tier_stats.h"
#include "ui/models/branch_trace.h"
#include "ui/models/inspect_source.h"

namespace mneme {

// Blanks made visible: a space reads U+2423, a line break U+21B5, a tab U+21E5; bytes that are no
// whole character read <E2>.
QString visibleText(const std::string& bytes);

// The token as a person reads it, "#7218" when the model that made it is not loaded.
QString tokenText(const InspectModel* model, TokenId token);
QString tokenTextAt(const BranchTrace& trace, const InspectModel* model, int index);

// "SSD" only for reads that bypass the page cache.
QString storageName(StorageKind storage);
QString tierName(Tier tier, StorageKind storage);
QString shortTierName(Tier tier, StorageKind storage);  // "SSD late", "file"

// For painting in a programmer's font, which would join "<|" into one sign.
QString withoutLigatures(const QString& text);

// Label of Engram layer slot `slot` of a record: "layer 14", or "Engram layer 1" when the pack that
// made it is not loaded.
QString layerName(const InspectModel* model, int slot);

// "token 37 'Great', layer 14, gate 0.83": one sentence a screen reader says.
QString describeToken(const BranchTrace& trace, const InspectSource& source, int index);

}  // namespace mneme
