// SPDX-License-Identifier: Apache-2.0
#include "ui/views/window/licences.h"

#include <dlfcn.h>

#include <QCoreApplication>
#include <QDir>
#include <QFile>
#include <QJsonArray>
#include <QJsonDocument>
#include <QJsonObject>

namespace mneme {
namespace {

constexpr qint64 kBillBytesMax = 16 << 20;

Error problem(ErrorCode code, const QString& path, const QString& what) {
  return Error{code, QStringLiteral("%1 %2").arg(path, what).toStdString()};
}

}  // namespace

QString installedBill() {
  return QDir::cleanPath(QCoreApplication::applicationDirPath() +
                         QStringLiteral("/../share/doc/mneme/sbom.spdx.json"));
}

Result<std::vector<LicensedPart>> readBill(const QString& path) {
  QFile file(path);
  if (!file.open(QIODevice::ReadOnly))
    return problem(ErrorCode::io, path, QStringLiteral("cannot be read: ") + file.errorString());
  const QJsonObject bill = QJsonDocument::fromJson(file.read(kBillBytesMax)).object();
  const QJsonArray packages = bill.value(QLatin1String("packages")).toArray();
  std::vector<LicensedPart> parts;
  for (const QJsonValue& value : packages) {
    const QJsonObject package = value.toObject();
    const auto text = [&](const char* key) {
      const QString found = package.value(QLatin1String(key)).toString();
      return found == QLatin1String("NOASSERTION") ? QString() : found;
    };
    QString licence = text("licenseDeclared");
    if (licence.isEmpty()) licence = text("licenseConcluded");
    if (licence.isEmpty()) licence = text("licenseComments");
    if (!text("name").isEmpty()) parts.push_back({text("name"), text("versionInfo"), licence});
  }
  if (parts.empty())
    return problem(ErrorCode::corrupt, path, QStringLiteral("is no bill of materials"));
  return parts;
}

QString qtLibraryFile() {
  Dl_info info{};
  const void* symbol = ::dlsym(RTLD_DEFAULT, "qVersion");
  if (symbol == nullptr || ::dladdr(symbol, &info) == 0 || info.dli_fname == nullptr) return {};
  return QFile::decodeName(info.dli_fname);
}

}  // namespace mneme
