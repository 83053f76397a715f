// SPDX-License-Identifier: Apache-2.0
// What this program is made of, as its package's bill of materials (SPDX 2.3, JSON) says, and where
// the Qt libraries lie that it runs with. Any thread.
#pragma once

#include <QString>
#include <vector>

#include "base/result.h"

namespace mneme {

struct LicensedPart {
  QString name;
  QString version;
  QString licence;  // an SPDX expression, else the bill's words about it
};

QString installedBill();  // its path; there is a file only where a package put one

// Errors: io; corrupt, where it is no bill of materials.
Result<std::vector<LicensedPart>> readBill(const QString& path);

QString qtLibraryFile();  // of QtCore, as loaded; "" where the system does not tell

}  // namespace mneme
