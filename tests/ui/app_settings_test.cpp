// SPDX-License-Identifier: Apache-2.0
#include "ui/bridge/app_settings.h"

#include <QDir>
#include <QFile>
#include <QTemporaryDir>
#include <QtTest>

#include "tests/ui/ui_test.h"
#include "ui/bridge/settings_file.h"

using namespace mneme;

class AppSettingsTest : public QObject {
  Q_OBJECT

 private:
  // Reads the file, and writes to it what `change` changes.
  SettingLayers run(const std::function<void(SettingLayers&)>& change = {},
                    QStringList* problems = nullptr) const {
    SettingsFile file(m_file);
    AppSettings settings(file);
    if (problems != nullptr) *problems = settings.problems();
    if (change) {
      SettingLayers layers = settings.layers();
      change(layers);
      settings.replace(layers);
    }
    return settings.layers();
  }
  QString text() const {
    QFile opened(m_file);
    return opened.open(QIODevice::ReadOnly) ? QString::fromUtf8(opened.readAll()) : QString();
  }
  void write(const char* ini) const {
    QVERIFY(QDir().mkpath(QFileInfo(m_file).path()));
    QFile opened(m_file);
    QVERIFY(opened.open(QIODevice::WriteOnly));
    opened.write(ini);
  }

 private Q_SLOTS:
  void init() { m_file = m_folder.filePath(QStringLiteral("%1/mneme.ini").arg(++m_count)); }

  void aFileThatClaimsManyModelsIsReadAtOnce() {
    write("[own_settings]\nsize=2147483647\n1\\file=/a.gguf\n1\\window\\theme=dark\n");
    const SettingLayers layers = run();
    QCOMPARE(layers.models.size(), std::size_t{1});
    QVERIFY(layers.models.contains("/a.gguf"));
  }

  // Each row of the table that the file has, with a value that is not its default.
  void everySettingComesBackAsItWas() {
    SettingLayers written;
    for (const Setting& setting : all_settings()) {
      if (!setting.kept) continue;
      const SettingValue value = otherThan(setting, default_of(setting));
      written.set(SettingLayer::file, setting, value);
      if (setting.per_model) {
        written.set(SettingLayer::model, setting, otherThan(setting, value), "/a b/ü.gguf");
      }
    }
    QVERIFY(written.file.size() > 15);
    run([&](SettingLayers& layers) { layers = written; });
    QStringList problems;
    const SettingLayers layers = run({}, &problems);
    QCOMPARE(problems, QStringList());
    for (const auto& [name, value] : written.file) {
      QVERIFY2(layers.file.contains(name) && layers.file.at(name) == value, name.c_str());
    }
    QCOMPARE(layers.file.size(), written.file.size());
    QVERIFY(layers.models == written.models);
  }

  void aMissingFileMeansDefaults() {
    QStringList problems;
    const SettingLayers layers = run({}, &problems);
    QVERIFY(layers.file.empty());
    QCOMPARE(problems, QStringList());
    QCOMPARE(layers.resolve({}).window.theme, std::string("system"));
    QCOMPARE(layers.resolve({}).engine.device, std::string("auto"));
  }

  // As the first versions wrote it: every key, floats as doubles.
  void aFileOfAnEarlierVersionIsRead() {
    write(
        "[model]\npath=/m/a.gguf\nmemory=off\ncontext=4096\ndevice=auto\ngpu_layers=0\n"
        "ram_budget_mib=64\nrecord_log_gib=12\nnuma_node=-1\nexact=true\nopen_at_start=true\n"
        "[window]\ntheme=dark\nzoom=1.25\ngeometry=@ByteArray(x)\n"
        "[new_chats]\ntop_p=0.949999988079071\nmin_p=0.25\ntop_k=7\n"
        "system_prompt=\"Be brief,\\nplease = yes; ok\"\n");
    QStringList problems;
    const SettingLayers layers = run({}, &problems);
    QCOMPARE(problems, QStringList());
    const Settings settings = layers.resolve({});
    QCOMPARE(settings.engine.model_path, std::string("/m/a.gguf"));
    QCOMPARE(settings.engine.memory, std::string("off"));
    QCOMPARE(settings.engine.context, std::int64_t{4096});
    QCOMPARE(settings.engine.ram_budget, std::uint64_t{64} << 20);
    QCOMPARE(settings.engine.record_log_bytes, std::uint64_t{12} << 30);
    QVERIFY(settings.engine.exact && !settings.engine.numa_node);
    QCOMPARE(settings.window.zoom, 1.25);
    QCOMPARE(settings.chat.sampling.top_p, 0.95F);
    QCOMPARE(settings.chat.sampling.top_k, 7);
    QCOMPARE(settings.system_prompt, std::string("Be brief,\nplease = yes; ok"));
    // What was written without being chosen is not the user's.
    for (const char* name : {"model/device", "model/gpu_layers", "new_chats/top_p"})
      QVERIFY2(!layers.file.contains(name), name);
  }

  void aWrongValueIsOneSentenceAndTheOthersHold() {
    write(
        "[model]\nthreads=100000\ncontext=many\nexact=maybe\ngpu_layers=3\n"
        "[window]\nzoom=nan\ntheme=pink\n[new_chats]\ntop_p=-4\ntemperature=0.5\n");
    QStringList problems;
    const SettingLayers layers = run({}, &problems);
    const Settings settings = layers.resolve({});
    QCOMPARE(settings.engine.threads, 256);
    QCOMPARE(settings.engine.context, std::int64_t{0});
    QCOMPARE(settings.window.zoom, 1.0);
    QCOMPARE(settings.window.theme, std::string("system"));
    QCOMPARE(settings.chat.sampling.top_p, 0.01F);
    QCOMPARE(settings.engine.gpu_layers, std::int64_t{3});
    QCOMPARE(settings.chat.sampling.temperature, 0.5F);
    QCOMPARE(problems.size(), 6);
    QVERIFY2(problems.first().contains(m_file) &&
                 problems.join(QLatin1Char('\n'))
                     .contains(QStringLiteral("model/threads: '100000' is not a whole number from "
                                              "0 to 256; 256 is used")),
             qPrintable(problems.join(QLatin1Char('\n'))));
    // They stay as the user wrote them until the user changes that setting.
    run([](SettingLayers& changed) {
      changed.set(SettingLayer::file, find_setting("model/context"), 512);
    });
    const QString after = text();
    QVERIFY2(after.contains(QStringLiteral("threads=100000")), qPrintable(after));
    QVERIFY2(after.contains(QStringLiteral("context=512")), qPrintable(after));
  }

  void keysThatNobodyKnowsStay() {
    write("[model]\ncontext=512\nof_tomorrow=7\n[their]\nkey=value\n");
    run([](SettingLayers& layers) {
      layers.reset(SettingLayer::file, find_setting("model/context"));
      layers.set(SettingLayer::model, find_setting("model/threads"), 2, "/m/a.gguf");
    });
    const QString after = text();
    QVERIFY2(after.contains(QStringLiteral("of_tomorrow=7")), qPrintable(after));
    QVERIFY2(after.contains(QStringLiteral("key=value")), qPrintable(after));
    QVERIFY2(!after.contains(QStringLiteral("context")), qPrintable(after));
    // A second model beside the first.
    const SettingLayers both = run([](SettingLayers& layers) {
      layers.set(SettingLayer::model, find_setting("model/threads"), 3, "/m/0.gguf");
    });
    QCOMPARE(both.models.size(), std::size_t{2});
    QVERIFY(run().models == both.models);
  }

  void theFileIsForItsOwnerOnly() {
    const auto others = QFile::ReadGroup | QFile::WriteGroup | QFile::ReadOther | QFile::WriteOther;
    const auto choose = [&](const char* name, const char* value) {
      run([&](SettingLayers& layers) {
        layers.set(SettingLayer::file, find_setting(name), value);
      });
    };
    choose("new_chats/system_prompt", "private");
    QCOMPARE(QFile::permissions(m_file) & others, QFile::Permissions());
    QVERIFY(QFile::setPermissions(m_file, QFile::permissions(m_file) | QFile::ReadOther));
    choose("window/theme", "dark");
    QCOMPARE(QFile::permissions(m_file) & others, QFile::Permissions());
    QCOMPARE(run().resolve({}).system_prompt, std::string("private"));
  }

 private:
  static SettingValue otherThan(const Setting& setting, const SettingValue& value) {
    switch (setting.kind) {
      case SettingKind::toggle:
        return !std::get<bool>(value);
      case SettingKind::whole:
        return std::get<std::int64_t>(value) + 3;
      case SettingKind::size:
        return std::get<std::int64_t>(value) + 5 * unit_bytes(setting);
      case SettingKind::real:
        return std::get<double>(value) == setting.most ? setting.least : setting.most;
      case SettingKind::choice:
        return std::string(setting.choices[value == SettingValue(std::string(setting.choices[0]))]);
      default:
        return std::get<std::string>(value) + "/a, b;\n\"ü\" = %1";
    }
  }

  QTemporaryDir m_folder;
  QString m_file;
  int m_count = 0;
};

UI_TEST(AppSettingsTest)
#include "app_settings_test.moc"
