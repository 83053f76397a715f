// SPDX-License-Identifier: Apache-2.0
#include "resources/resources.h"

#include <QtCore/qglobal.h>

// Q_INIT_RESOURCE must stand outside of any namespace.
static void init_resources() {
  Q_INIT_RESOURCE(app);
  Q_INIT_RESOURCE(fonts);
  Q_INIT_RESOURCE(manual);
}

namespace mneme {
void load_resources() {
  init_resources();
}
}  // namespace mneme
