// SPDX-License-Identifier: Apache-2.0
// The head of an AppImage of type 2: an ELF program with a squashfs image behind it. It mounts the image by FUSE 3 and
// becomes the image's AppRun, with its own process id; a second process answers the kernel's reads, and unmounts when
// the last process that holds the pipe `alive` ends. Where FUSE cannot be used the image is extracted into a temporary
// folder, which is removed afterwards. package.sh compiles it and sets the magic bytes.
#define _GNU_SOURCE
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#undef _POSIX_C_SOURCE  // squashfuse's config.h has its own
#include <squashfuse/ll.h>

enum { kFailed = 127, kPiece = 1 << 20 };

static char g_path[PATH_MAX];  // of this file
static size_t g_offset;        // of the image in it

static void fail(const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  fputs("AppImage: ", stderr);
  vfprintf(stderr, format, arguments);
  fputc('\n', stderr);
  va_end(arguments);
  exit(kFailed);
}

// The image begins where the ELF file ends: behind its section headers, which linkers write last.
static size_t end_of_elf(void) {
  Elf64_Ehdr header;
  const int file = open(g_path, O_RDONLY | O_CLOEXEC);
  if (file < 0 || pread(file, &header, sizeof header, 0) != sizeof header) {
    fail("%s cannot be read: %s", g_path, strerror(errno));
  }
  close(file);
  return header.e_shoff + (size_t)header.e_shentsize * header.e_shnum;
}

static void make_temporary_folder(char* folder, const char* name) {
  const char* parent = getenv("TMPDIR");
  if (parent == NULL || parent[0] != '/') parent = "/tmp";
  if (snprintf(folder, PATH_MAX, "%s/%s.XXXXXX", parent, name) >= PATH_MAX || mkdtemp(folder) == NULL) {
    fail("no folder can be made in %s: %s; TMPDIR may name another place", parent, strerror(errno));
  }
}

// ---- extracting

static void extract_file(sqfs* fs, sqfs_inode* inode, const char* path) {
  static char piece[kPiece];
  const int file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, inode->base.mode & 0777);
  if (file < 0) fail("%s cannot be written: %s", path, strerror(errno));
  for (sqfs_off_t at = 0; (uint64_t)at < inode->xtra.reg.file_size;) {
    sqfs_off_t count = sizeof piece;
    if (sqfs_read_range(fs, inode, at, &count, piece) != SQFS_OK || count <= 0) {
      fail("%s is damaged: fetch it again", g_path);
    }
    for (sqfs_off_t written = 0; written < count;) {
      const ssize_t done = write(file, piece + written, count - written);
      if (done < 0) fail("%s cannot be written: %s", path, strerror(errno));
      written += done;
    }
    at += count;
  }
  if (close(file) != 0) fail("%s cannot be written: %s", path, strerror(errno));
}

static void extract_link(sqfs* fs, sqfs_inode* inode, const char* path) {
  char target[PATH_MAX];
  size_t size = sizeof target;
  if (sqfs_readlink(fs, inode, target, &size) != SQFS_OK) fail("%s is damaged: fetch it again", g_path);
  if (symlink(target, path) != 0 && errno != EEXIST) fail("%s cannot be made: %s", path, strerror(errno));
}

static void extract_to(const char* folder) {
  sqfs fs;
  sqfs_traverse walk;
  sqfs_err error = SQFS_OK;
  const int file = open(g_path, O_RDONLY | O_CLOEXEC);
  if (file < 0 || sqfs_init(&fs, file, g_offset) != SQFS_OK ||
      sqfs_traverse_open(&walk, &fs, sqfs_inode_root(&fs)) != SQFS_OK) {
    fail("%s is damaged: fetch it again", g_path);
  }
  while (sqfs_traverse_next(&walk, &error)) {
    if (walk.dir_end) continue;
    char path[PATH_MAX];
    sqfs_inode inode;
    if (snprintf(path, sizeof path, "%s/%s", folder, walk.path) >= PATH_MAX) fail("%s: the name is too long", folder);
    if (sqfs_inode_get(&fs, &inode, sqfs_dentry_inode(&walk.entry)) != SQFS_OK) {
      fail("%s is damaged: fetch it again", g_path);
    }
    if (S_ISDIR(inode.base.mode)) {
      if (mkdir(path, 0755) != 0 && errno != EEXIST) fail("%s cannot be made: %s", path, strerror(errno));
    } else if (S_ISREG(inode.base.mode)) {
      extract_file(&fs, &inode, path);
    } else if (S_ISLNK(inode.base.mode)) {
      extract_link(&fs, &inode, path);
    }
  }
  if (error != SQFS_OK) fail("%s is damaged: fetch it again", g_path);
  sqfs_traverse_close(&walk);
  sqfs_destroy(&fs);
  close(file);
}

static int remove_one(const char* path, const struct stat* info, int type, struct FTW* walk) {
  (void)info, (void)type, (void)walk;
  return remove(path);
}

// ---- running

static void become_program(const char* folder, char** argv) {
  char program[PATH_MAX + 8];
  snprintf(program, sizeof program, "%s/AppRun", folder);
  setenv("APPIMAGE", g_path, 1);
  setenv("APPDIR", folder, 1);
  setenv("ARGV0", argv[0], 1);
  execv(program, argv);
  fail("%s cannot be started: %s; TMPDIR may name a place where programs are allowed", program, strerror(errno));
}

static pid_t g_program;

static void pass_on(int signal) {
  kill(g_program, signal);
}

// Runs AppRun from a folder that is removed when it ends.
static int extract_and_run(char** argv) {
  char folder[PATH_MAX];
  make_temporary_folder(folder, ".extracted_mneme");
  // Another process does it, so that a failure half way leaves nothing either.
  g_program = fork();
  if (g_program == 0) {
    extract_to(folder);
    become_program(folder, argv);
  }
  signal(SIGINT, SIG_IGN);  // the terminal sends it to the program too
  signal(SIGTERM, pass_on);
  signal(SIGHUP, pass_on);
  int status = 0;
  while (waitpid(g_program, &status, 0) < 0 && errno == EINTR) {
  }
  nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

// ---- mounting

static void say_nothing(enum fuse_log_level level, const char* format, va_list arguments) {
  (void)level, (void)format, (void)arguments;
}

// Answers the kernel until the other end of `alive` is closed by all who hold it. Writes one byte into `ready` when
// the image is mounted; `ready` closed without it means that it could not be.
static void serve(const char* folder, int ready, int alive) {
  setsid();
  prctl(PR_SET_NAME, "mneme-appimage");
  fuse_set_log_func(say_nothing);
  const int nowhere = open("/dev/null", O_RDWR | O_CLOEXEC);
  dup2(nowhere, STDIN_FILENO);
  dup2(nowhere, STDOUT_FILENO);
  dup2(nowhere, STDERR_FILENO);  // fusermount3 would complain; the fallback needs no words
  struct fuse_lowlevel_ops operations = {
      .lookup = sqfs_ll_op_lookup,
      .forget = sqfs_ll_op_forget,
      .getattr = sqfs_ll_op_getattr,
      .readlink = sqfs_ll_op_readlink,
      .open = sqfs_ll_op_open,
      .read = sqfs_ll_op_read,
      .release = sqfs_ll_op_release,
      .opendir = sqfs_ll_op_opendir,
      .readdir = sqfs_ll_op_readdir,
      .releasedir = sqfs_ll_op_releasedir,
      .statfs = stfs_ll_op_statfs,
  };
  char* words[] = {"mneme", "-oro,nosuid,nodev,fsname=Mneme,subtype=squashfuse", NULL};
  struct fuse_args arguments = FUSE_ARGS_INIT(2, words);
  sqfs_ll_chan channel;
  sqfs_ll* image = sqfs_ll_open(g_path, g_offset);
  if (image == NULL ||
      sqfs_ll_mount(&channel, folder, &arguments, &operations, sizeof operations, image) != SQFS_OK) {
    rmdir(folder);
    _exit(kFailed);
  }
  if (write(ready, "m", 1) != 1) _exit(kFailed);
  close(ready);
  struct fuse_session* session = channel.session;
  struct fuse_buf request = {.mem = NULL};
  struct pollfd both[] = {{fuse_session_fd(session), POLLIN, 0}, {alive, POLLIN, 0}};
  while (!fuse_session_exited(session)) {
    if (poll(both, 2, -1) < 0 && errno != EINTR) break;
    if (both[1].revents != 0) break;
    if (both[0].revents == 0) continue;
    const int received = fuse_session_receive_buf(session, &request);
    if (received == -EINTR || received == -EAGAIN) continue;
    if (received <= 0) break;
    fuse_session_process_buf(session, &request);
  }
  sqfs_ll_unmount(&channel, folder);
  rmdir(folder);
  _exit(0);
}

// True with the image mounted at `folder`.
static bool mount_image(char* folder) {
  int ready[2];
  int alive[2];
  make_temporary_folder(folder, ".mount_mneme");
  if (pipe2(ready, O_CLOEXEC) != 0 || pipe(alive) != 0) fail("no pipe can be made: %s", strerror(errno));
  const pid_t between = fork();  // so that the program has no child that it did not start
  if (between == 0) {
    close(ready[0]);
    close(alive[1]);
    if (fork() == 0) serve(folder, ready[1], alive[0]);
    _exit(0);
  }
  close(ready[1]);
  close(alive[0]);  // alive[1] stays open, also in the program: it holds the mount
  waitpid(between, NULL, 0);
  char mounted = 0;
  while (read(ready[0], &mounted, 1) < 0 && errno == EINTR) {
  }
  close(ready[0]);
  if (mounted == 'm') return true;
  close(alive[1]);
  return false;
}

int main(int argc, char** argv) {
  const ssize_t length = readlink("/proc/self/exe", g_path, sizeof g_path - 1);
  if (length <= 0) fail("/proc is not there: this program cannot find itself");
  g_offset = end_of_elf();
  const char* first = argc > 1 ? argv[1] : "";
  if (strcmp(first, "--appimage-help") == 0) {
    puts("--appimage-extract          unpack into the folder squashfs-root\n"
         "--appimage-extract-and-run  run from a temporary folder instead of a mounted image\n"
         "--appimage-offset           print where the squashfs image begins\n"
         "All else is given to the program; `cli` as the first word starts mneme-cli.");
    return 0;
  }
  if (strcmp(first, "--appimage-offset") == 0) {
    printf("%zu\n", g_offset);
    return 0;
  }
  if (strcmp(first, "--appimage-extract") == 0) {
    if (mkdir("squashfs-root", 0755) != 0 && errno != EEXIST) {
      fail("squashfs-root cannot be made here: %s", strerror(errno));
    }
    extract_to("squashfs-root");
    return 0;
  }
  if (strcmp(first, "--appimage-extract-and-run") == 0) {
    argv[1] = argv[0];
    return extract_and_run(argv + 1);
  }
  if (getenv("APPIMAGE_EXTRACT_AND_RUN") != NULL) return extract_and_run(argv);
  char folder[PATH_MAX];
  if (!mount_image(folder)) return extract_and_run(argv);
  become_program(folder, argv);
  return kFailed;
}
