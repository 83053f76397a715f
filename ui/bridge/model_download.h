// SPDX-License-Identifier: Apache-2.0
// Downloads one file into a folder, when asked to: resumes what an earlier try left, checks the
// SHA-256, and gives the file its name only when all of it is right. Before start() no connection
// is opened, and no name is looked up. Writing, reading and hashing are done by jobs. UI thread.
#pragma once

#include <QNetworkProxy>
#include <QObject>
#include <QString>
#include <QTimer>
#include <atomic>
#include <chrono>
#include <deque>
#include <functional>
#include <memory>
#include <optional>

#include "ui/bridge/download_offer.h"
#include "ui/bridge/download_part.h"
#include "ui/bridge/jobs.h"

class QNetworkAccessManager;
class QNetworkReply;

namespace mneme {

// What a test sets otherwise.
struct DownloadLimits {
  std::chrono::milliseconds silence{30'000};  // the longest time without a byte
  std::chrono::milliseconds report{100};      // between two reports of progress
  // Bytes that fit into a folder; nothing = not known.
  std::function<std::optional<std::uint64_t>(const std::string& folder)> freeSpace;
};

class ModelDownload : public QObject {
  Q_OBJECT

 public:
  enum class State {
    idle,        // nothing runs; bytes() may be there from an earlier time
    checking,    // of what is there already: place, room, digest
    connecting,  // asked the server
    receiving,
    finishing,  // onto the drive, digest, name
    paused,
    failed,  // problem() says why
    done,
  };

  ModelDownload(Jobs& jobs, DownloadOffer offer, const QString& folder, DownloadLimits limits = {},
                QObject* parent = nullptr);
  ~ModelDownload() override;  // what came stays

  const DownloadOffer& offer() const { return m_offer; }
  QString folder() const { return m_folder; }
  QString path() const;
  State state() const { return m_state; }
  bool running() const;
  quint64 bytes() const { return m_bytes; }  // that are there
  double bytesPerSecond() const;             // lately; 0 = not known
  QString problem() const { return m_problem; }
  bool placeIsTheProblem() const { return m_placeIsTheProblem; }

  // Looks how much is there from an earlier time.
  void look();
  void start();  // also goes on, and tries again
  void pause();
  void cancel();                          // and removes what came
  void setFolder(const QString& folder);  // while nothing runs

 Q_SIGNALS:
  void changed();  // of state and bytes; progress at most every DownloadLimits::report
  void finished(const QString& path);

 private:
  enum class Wish { nothing, run, pause };
  struct Prepared;

  template <class Work, class Done>
  void work(Work doIt, Done done);
  DownloadPart::Goal goal() const;
  void advance();
  void prepare();
  void discard();
  void connectToServer();
  void request(const QUrl& url);
  void followRedirect();
  void onHeaders();
  void onFinished();
  void takeBytes();
  void finishFile();
  void startAnew(const QByteArray& validator);
  void endReply();
  void fail(const QString& problem, bool place = false);
  void failPart(const Error& error);
  void setState(State state);
  void report();
  QString describe(int networkError, const QString& text) const;

  Jobs& m_jobs;
  const DownloadOffer m_offer;
  const DownloadLimits m_limits;
  QString m_folder;
  State m_state = State::idle;
  Wish m_wish = Wish::nothing;
  bool m_discard = false;  // what came is to be removed first
  QString m_problem;
  bool m_placeIsTheProblem = false;
  quint64 m_bytes = 0;

  bool m_busy = false;                           // a job has the part
  std::shared_ptr<std::atomic<bool>> m_stopJob;  // what reads for long is told to stop
  std::shared_ptr<DownloadPart> m_part;
  QNetworkProxy m_proxy;
  std::unique_ptr<QNetworkAccessManager> m_network;
  QNetworkReply* m_reply = nullptr;  // the manager's child
  int m_redirects = 0;               // since the server was asked
  bool m_headers = false;            // of the reply have come and are right
  bool m_replyEnded = false;
  std::optional<QByteArray> m_anew;  // the part is to begin anew, for the state of that validator
  bool m_whole = false;              // what is there cannot be continued: asks for all of it
  QString m_cut;                     // why the reply ended early
  QTimer m_silence;
  QTimer m_report;
  struct Sample {
    std::chrono::steady_clock::time_point at;
    quint64 bytes;
  };
  std::deque<Sample> m_samples;
};

}  // namespace mneme
