// SPDX-License-Identifier: Apache-2.0
// The window's front door: flags, one instance, the application.
#include <QApplication>
#include <QCommandLineParser>
#include <QMessageBox>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <memory>

#include "app/application.h"
#include "app/single_instance.h"
#include "inference/base/log.h"
#include "ui/theme.h"

int main(int argc, char** argv) {
  using namespace mneme;
  // That the end of the program waits for a drive; one that answers needs milliseconds.
  constexpr auto kLongestGoodbye = std::chrono::seconds(3);
  std::signal(SIGXFSZ, SIG_IGN);  // a file that may not grow is a failed write, as on a full disk
  QApplication qt(argc, argv);
  QApplication::setApplicationName(QStringLiteral("mneme"));
  QApplication::setApplicationDisplayName(QStringLiteral("Mneme"));
  QApplication::setApplicationVersion(QLatin1String(MNEME_VERSION));
  QApplication::setDesktopFileName(QStringLiteral("mneme"));

  QCommandLineParser parser;
  parser.setApplicationDescription(QApplication::translate(
      "main", "Chats with language models that have a memory, and shows it at work."));
  parser.addHelpOption();
  parser.addVersionOption();
  const QCommandLineOption model({QStringLiteral("m"), QStringLiteral("model")},
                                 QApplication::translate("main", "Open this GGUF file."),
                                 QStringLiteral("FILE"));
  const QCommandLineOption memory(
      QStringLiteral("memory"),
      QApplication::translate("main", "Open this memory pack, or \"off\"."),
      QStringLiteral("FILE"));
  const QCommandLineOption dataDir(
      QStringLiteral("data-dir"),
      QApplication::translate("main", "Keep chats, settings and logs below this folder."),
      QStringLiteral("DIR"));
  const QCommandLineOption theme(QStringLiteral("theme"),
                                 QApplication::translate("main", "light or dark."),
                                 QStringLiteral("NAME"));
  parser.addOptions({model, memory, dataDir, theme});
  parser.process(qt);
  const QString wanted = parser.value(theme);
  if (!wanted.isEmpty() && wanted != QLatin1String("light") && wanted != QLatin1String("dark")) {
    qCritical("--theme is light or dark, not %s", qPrintable(wanted));
    return 2;
  }

  const Paths paths = Paths::find(parser.value(dataDir).toStdString());
  SingleInstance instance(QString::fromStdString(paths.runtime));
  if (instance.knock()) return 0;
  instance.listen();

  QString problem;
  const auto application = Application::open(
      {parser.value(model), parser.value(memory), parser.value(dataDir), wanted}, &problem);
  if (!application) {
    Theme::choose(Theme::Choice::system);
    QMessageBox::critical(nullptr, QStringLiteral("Mneme"), problem);
    return 1;
  }
  QObject::connect(&instance, &SingleInstance::knocked, &application->window(),
                   &MainWindow::raiseWindow);
  application->window().show();
  application->window().start();
  const int code = QApplication::exec();
  const std::shared_ptr<EndingEngines> ending = application->close();
  instance.leave();
  if (!ending->end(kLongestGoodbye)) {
    // The chats are saved, the window is gone; only a drive that does not answer holds us.
    log_warning("app",
                "the drive does not answer: ending without its reads and without saving the hot "
                "set");
    std::_Exit(code);
  }
  return code;
}
