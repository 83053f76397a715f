// SPDX-License-Identifier: Apache-2.0
#include "app/quit_on_signal.h"

#include <fcntl.h>
#include <unistd.h>

#include <QSocketNotifier>
#include <cerrno>
#include <csignal>

#include "base/check.h"

namespace mneme {
namespace {

constexpr int kSignals[] = {SIGTERM, SIGINT, SIGHUP};
int g_pipe[2] = {-1, -1};  // from the signal handler to the event loop

// Nothing of Qt may be called in a signal handler.
void on_signal(int signal) {
  const int before = errno;
  std::signal(signal, SIG_DFL);
  const char byte = 0;
  static_cast<void>(!::write(g_pipe[1], &byte, 1));
  errno = before;
}

}  // namespace

QuitOnSignal::QuitOnSignal(QObject* parent) : QObject(parent) {
  CHECK(g_pipe[0] < 0);
  CHECK(::pipe2(g_pipe, O_CLOEXEC | O_NONBLOCK) == 0);
  auto* notifier = new QSocketNotifier(g_pipe[0], QSocketNotifier::Read, this);
  connect(notifier, &QSocketNotifier::activated, this, [this, notifier] {
    notifier->setEnabled(false);
    Q_EMIT asked();
  });
  for (const int signal : kSignals) {
    struct sigaction action {};
    action.sa_handler = on_signal;
    action.sa_flags = SA_RESTART;
    ::sigaction(signal, &action, nullptr);
  }
}

QuitOnSignal::~QuitOnSignal() {
  for (const int signal : kSignals) std::signal(signal, SIG_DFL);
  for (int& end : g_pipe) {
    ::close(end);
    end = -1;
  }
}

}  // namespace mneme
