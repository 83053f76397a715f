// SPDX-License-Identifier: Apache-2.0
// The window's front door: flags, one instance, the application.
#include <QApplication>
#include <QCommandLineParser>
#include <QDir>
#include <QMessageBox>
#include <QRegularExpression>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <utility>

#include "app/application.h"
#include "app/no_display.h"
#include "app/quit_on_signal.h"
#include "app/single_instance.h"
#include "base/exceptions.h"
#include "base/log.h"
#include "base/private_file.h"
#include "inference/machine/machine_answer.h"
#include "inference/settings/layers.h"
#include "ui/path_text.h"
#include "ui/theme.h"

namespace {

using namespace mneme;

// The longest that each step of Application::close() waits for a drive; one that answers needs
// milliseconds.
constexpr auto kLongestGoodbye = std::chrono::seconds(3);
// The longest that a second start waits for the answer of the instance that runs.
constexpr auto kNotifyPatience = std::chrono::seconds(5);
constexpr const char* kModelSetting = "model/path";
constexpr int kFailed = 1;
constexpr int kUsage = 2;

// Of the window's own settings: a chat has its own.
bool isFlag(const Setting& setting) {
  return !setting.flags.empty() && setting.page != SettingPage::chat &&
         setting.page != SettingPage::sampling;
}

QString textOf(std::string_view text) {
  return QString::fromUtf8(text.data(), static_cast<qsizetype>(text.size()));
}

QCommandLineOption optionOf(const Setting& setting) {
  QStringList names = textOf(setting.flags).split(QLatin1Char(','));
  for (QString& name : names) name.remove(QRegularExpression(QStringLiteral("^-+")));
  QCommandLineOption option(names);
  option.setDescription(QString::fromStdString(help_text(setting, default_of(setting))));
  if (setting.kind != SettingKind::toggle) option.setValueName(textOf(value_name(setting)));
  return option;
}

struct Options {
  QCommandLineParser parser;
  QCommandLineOption help = parser.addHelpOption();
  QCommandLineOption version = parser.addVersionOption();
  QCommandLineOption dataDir{
      QStringLiteral("data-dir"),
      QCoreApplication::translate("main", "Keep chats, settings and logs below this folder."),
      QStringLiteral("DIR")};

  Options() {
    parser.setApplicationDescription(QCoreApplication::translate(
        "main", "Chats with language models that have a memory, and shows it at work."));
    parser.addOption(dataDir);
    for (const Setting& setting : all_settings()) {
      if (isFlag(setting)) parser.addOption(optionOf(setting));
    }
    // What a file manager gives.
    parser.addPositionalArgument(
        QStringLiteral("file"),
        QCoreApplication::translate("main", "Open this model, a file or a folder, as with --model."),
        QStringLiteral("[FILE]"));
  }

  // Parses them. What is wrong; "" = nothing.
  QString problem(const QStringList& arguments, SettingValues& values) {
    if (!parser.parse(arguments)) return parser.errorText();
    const QString folder = parser.value(dataDir);
    if (parser.isSet(dataDir) && folder.isEmpty())
      return QStringLiteral("--data-dir: its value is empty");
    for (const Setting& setting : all_settings()) {
      if (!isFlag(setting)) continue;
      const QString name = optionOf(setting).names().last();
      const bool toggle = setting.kind == SettingKind::toggle;
      QStringList given = toggle ? QStringList() : parser.values(name);  // Qt warns of a flag's
      if (setting.name == kModelSetting) {
        given += parser.positionalArguments();
        if (given.size() > 1)
          return QStringLiteral("%1: one model is opened at a time").arg(given.last());
      }
      if (!parser.isSet(name) && given.isEmpty()) continue;
      const QString flag = (name.size() > 1 ? QStringLiteral("--") : QStringLiteral("-")) + name;
      if (given.size() > 1) return flag + QStringLiteral(" is given twice");
      auto value = parse_setting(setting, toggle ? "true" : given.first().toStdString());
      if (!value)
        return flag + QStringLiteral(": ") + QString::fromStdString(value.error().message);
      if (setting.kind == SettingKind::file && given.first() != QLatin1String("off"))
        value = SettingValue(
            QDir::current().absoluteFilePath(pathFromText(given.first())).toStdString());
      values.insert_or_assign(std::string(setting.name), *value);
    }
    // Whoever names a model wants it.
    if (values.contains(kModelSetting)) values.insert_or_assign("model/open_at_start", true);
    return {};
  }
};

// Qt ends the program by an abort where it finds no display.
void onFatal(QtMsgType type, const QMessageLogContext&, const QString&) {
  if (type != QtFatalMsg) return;
  log_error("app", "{}", noDisplay().toStdString());
  std::_Exit(kFailed);
}

int failStart(const QString& problem) {
  log_error("app", "Mneme does not start: {}", problem.toStdString());
  Theme::choose(Theme::Choice::system);
  QMessageBox::critical(nullptr, QStringLiteral("Mneme"), problem);
  return kFailed;
}

}  // namespace

int main(int argc, char** argv) {
  end_with_a_sentence("mneme");
  if (const auto answered = answer_about_machine(argc, argv)) return *answered;
  std::signal(SIGXFSZ, SIG_IGN);  // a file that may not grow is a failed write, as on a full disk
  QCoreApplication::setApplicationName(QStringLiteral("mneme"));
  QCoreApplication::setApplicationVersion(QLatin1String(MNEME_VERSION));
  QGuiApplication::setApplicationDisplayName(QStringLiteral("Mneme"));
  QGuiApplication::setDesktopFileName(QStringLiteral(MNEME_APP_ID));
  Options options;
  {
    // Before there is a window system: these two need none.
    const QCoreApplication bare(argc, argv);
    const QStringList arguments = QCoreApplication::arguments();
    const auto asked = [&](const QCommandLineOption& option) {
      return arguments.contains(QStringLiteral("-") + option.names().first()) ||
             arguments.contains(QStringLiteral("--") + option.names().last());
    };
    if (asked(options.help)) options.parser.showHelp();
    if (asked(options.version)) options.parser.showVersion();
    options.parser.parse(arguments);  // Qt's own options among them are taken out later
  }
  Paths paths = Paths::find(options.parser.value(options.dataDir).toStdString());
  if (make_private_folder(paths.state)) configure_log({.file = paths.log()});
  qInstallMessageHandler(onFatal);
  QApplication qt(argc, argv);
  qInstallMessageHandler(nullptr);
  SettingValues flags;
  if (const QString wrong = options.problem(QCoreApplication::arguments(), flags);
      !wrong.isEmpty()) {
    std::fprintf(stderr, "mneme: %s; --help says what there is\n", qPrintable(wrong));
    return kUsage;
  }
  const QCommandLineParser& parser = options.parser;

  SingleInstance instance(QString::fromStdString(paths.runtime));
  const SettingValue* model = flags.contains(kModelSetting) ? &flags.at(kModelSetting) : nullptr;
  const SingleInstance::Other other = instance.notify(
      kNotifyPatience, model ? QString::fromStdString(std::get<std::string>(*model)) : QString());
  if (other == SingleInstance::Other::answered) return 0;
  if (other == SingleInstance::Other::silent) {
    return failStart(QCoreApplication::translate(
                         "main",
                         "Mneme is running already (process %1), but does not answer. Wait for it, "
                         "or end that process, and start again.")
                         .arg(instance.process()));
  }
  instance.listen();

  QString problem;
  const auto application =
      Application::open({std::move(flags), parser.value(options.dataDir)}, &problem);
  if (!application) return failStart(problem);
  QObject::connect(&instance, &SingleInstance::notified, &application->window(),
                   [&window = application->window()](const QString& path) {
                     window.raiseWindow();
                     if (!path.isEmpty()) window.openModel(path, {});
                   });
  const QuitOnSignal quit;
  QObject::connect(&quit, &QuitOnSignal::asked, &application->window(), [&application] {
    application->window().close();
    QCoreApplication::exit(0);  // also where a dialog is open
  });
  application->window().show();
  application->window().start();
  const int code = QApplication::exec();
  if (!application->close(kLongestGoodbye, [&] { instance.leave(); })) {
    // The window is gone; only a drive that does not answer holds us.
    log_warning("app", "a drive does not answer: ending without what it was asked for");
    std::_Exit(code);
  }
  return code;
}
