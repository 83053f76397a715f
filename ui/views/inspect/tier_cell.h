// SPDX-License-Identifier: Apache-2.0
// A cell in a tier's colour with its hatch, so that hue is not the only sign: device has dots, RAM
// is plain, SSD in time has a rising diagonal, SSD late has a cross.
#pragma once

#include <QRectF>

#include "engram/tier_stats.h"

class QPainter;

namespace mneme {

void paintTierCell(QPainter* painter, const QRectF& rect, Tier tier, double radius = 2);

}  // namespace mneme
