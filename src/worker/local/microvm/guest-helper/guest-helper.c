/*
 * What lightbox has to do inside a guest that may hold no shell and no tools. Built without a C library;
 * guest-helper.ts carries the result and puts it into /dev (memory, never part of a layer) at every boot.
 *
 *   settle                     end of boot: the root disk's own /tmp comes back from under the runtime's tmpfs
 *   flush                      write the disk's caches back: exit 0 or 4 (it failed)
 *   freeze, thaw               stop all writing to the root disk, and let it go on: exit 0, or 5 (cannot)
 *   quiesce                    end every process but init and flush the disk: exit 0, 3 (something still
 *                              runs) or 4 (the flush failed)
 *   pack DIRECTORY             the directory as a stream, see tree-stream.c
 *   unpack DIRECTORY           the tree of such a stream into the directory
 *   list ROOT LEFT-OUT...      what the paths of standard input name, and all below, as such a stream without content
 *   read ROOT                  the content of the files that the paths of standard input name, as such a stream
 *   carry PATH MODE UID GID    a unix socket whose connections standard input and output carry, see agent-socket.c;
 *                              MODE is a decimal number
 *   detach OUTPUT ARGV...      ARGV in a session of its own, which goes on when this ends: 0 once it has started, 127 or 126
 *                              when it cannot; what it prints is in the file OUTPUT
 *   run  NETWORK UID GID GROUPS DIRECTORY COUNT MOUNT... ARGV...
 *   step NETWORK UID GID GROUPS DIRECTORY COUNT MOUNT... ARGV...
 *                              run ARGV with this identity; NETWORK is "default" or "none" (a network
 *                              namespace of its own); GROUPS is a comma-separated list or "-". Its whole
 *                              environment is what the variables LIGHTBOX_ENV_<n> hold, as NAME=VALUE: in
 *                              the environment, because a command line is for everyone to read. COUNT mounts,
 *                              of four words each (step-mounts.c), are there for the command alone. The exit code
 *                              is the command's, 128 + n when signal n ended it. "step" ends every other
 *                              process when the command is done.
 *
 * Build: see build-guest-helper.sh
 */
#include <asm/unistd.h>

#define ENOENT 2
#define EINTR 4
#define EACCES 13
#define EEXIST 17
#define ENOTDIR 20
#define EISDIR 21
#define ENOSPC 28
#define EROFS 30
#define ENAMETOOLONG 36
#define SIGKILL 9
#define SIGCHLD 17
#define SIGSTOP 19
#define AT_FDCWD (-100)
#define AT_REMOVEDIR 0x200
#define AT_SYMLINK_NOFOLLOW 0x100
#define O_WRONLY 1
#define O_CREAT 0100
#define O_EXCL 0200
#define O_TRUNC 01000
#define O_CLOEXEC 02000000
#define O_DIRECTORY_X86 0200000
#define O_DIRECTORY_ARM 040000
#define MNT_DETACH 2
#define TMPFS_MAGIC 0x01021994
#define EXT4_MAGIC 0xEF53
#define FIFREEZE 0xC0045877
#define FITHAW 0xC0045878
#define CLONE_NEWNET 0x40000000
#define CLONE_NEWNS 0x00020000
#define MS_NOSUID 2
#define MS_NODEV 4
#define MS_NOEXEC 8
#define MS_REC 16384
#define MS_PRIVATE (1 << 18)
#define SIOCSIFFLAGS 0x8914
#define IFF_UP 1

#if defined(__x86_64__)
#define O_DIRECTORY O_DIRECTORY_X86
#define O_NOFOLLOW 0400000
static long call(long n, long a, long b, long c, long d, long e) {
  register long r10 __asm__("r10") = d;
  register long r8 __asm__("r8") = e;
  long result;
  __asm__ volatile("syscall" : "=a"(result) : "a"(n), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8) : "rcx", "r11", "memory");
  return result;
}
__asm__(".globl _start\n_start:\n mov %rsp, %rdi\n and $-16, %rsp\n call start\n");
#elif defined(__aarch64__)
#define O_DIRECTORY O_DIRECTORY_ARM
#define O_NOFOLLOW 0100000
static long call(long n, long a, long b, long c, long d, long e) {
  register long x8 __asm__("x8") = n;
  register long x0 __asm__("x0") = a;
  register long x1 __asm__("x1") = b;
  register long x2 __asm__("x2") = c;
  register long x3 __asm__("x3") = d;
  register long x4 __asm__("x4") = e;
  __asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4) : "memory");
  return x0;
}
__asm__(".globl _start\n_start:\n mov x0, sp\n bl start\n");
#endif

/* The compiler may turn loops into calls of these. */
void *memset(void *target, int value, unsigned long size) {
  for (unsigned long i = 0; i < size; i++) ((volatile char *)target)[i] = (char)value;
  return target;
}
void *memcpy(void *target, const void *source, unsigned long size) {
  for (unsigned long i = 0; i < size; i++) ((volatile char *)target)[i] = ((const char *)source)[i];
  return target;
}

static unsigned long length(const char *text) {
  unsigned long n = 0;
  while (text[n]) n++;
  return n;
}

static int same(const char *a, const char *b) {
  while (*a && *a == *b) a++, b++;
  return *a == *b;
}

static long number(const char *text) {
  long value = 0;
  for (; *text >= '0' && *text <= '9'; text++) value = value * 10 + (*text - '0');
  return value;
}

static char *append(char *end, const char *text) {
  while (*text) *end++ = *text++;
  *end = 0;
  return end;
}

static void say(const char *text) { call(__NR_write, 2, (long)text, (long)length(text), 0, 0); }

static void pause_ms(long milliseconds) {
  long time[2] = {0, milliseconds * 1000000};
  call(__NR_nanosleep, (long)time, 0, 0, 0, 0);
}

static int settle(void) {
  long statfs_buffer[32];
  if (call(__NR_statfs, (long)"/tmp", (long)statfs_buffer, 0, 0, 0) == 0 && statfs_buffer[0] == TMPFS_MAGIC) {
    if (call(__NR_umount2, (long)"/tmp", MNT_DETACH, 0, 0, 0) != 0) return 1;
  }
  /* As the runtime does for its own; an image without /tmp got a plain directory as mount point. */
  return call(__NR_fchmodat, AT_FDCWD, (long)"/tmp", 01777, 0, 0) != 0;
}

#define PROGRAM_SIZE 256

/* Whether the process has a program, which is then its path: kernel threads and the dead have none. */
static int program_of(const char *pid, char *program) {
  char path[64];
  append(append(append(path, "/proc/"), pid), "/exe");
  long size = call(__NR_readlinkat, AT_FDCWD, (long)path, (long)program, PROGRAM_SIZE - 1, 0);
  if (size > 0) program[size] = 0;
  return size > 0;
}

/* Whether a process besides this one and the agent is alive, and its program; those that run `own` do not count. */
static int others_alive(char *program, const char *own) {
  char buffer[4096];
  long self = call(__NR_getpid, 0, 0, 0, 0, 0);
  long directory = call(__NR_openat, AT_FDCWD, (long)"/proc", O_DIRECTORY, 0, 0);
  int found = 0;
  *program = 0;
  if (directory < 0) return 1;
  while (!found) {
    long size = call(__NR_getdents64, directory, (long)buffer, sizeof buffer, 0, 0);
    if (size <= 0) break;
    for (long at = 0; at < size && !found; at += *(unsigned short *)(buffer + at + 16)) {
      const char *name = buffer + at + 19;
      if (*name < '0' || *name > '9') continue;
      long pid = number(name);
      found = pid != 1 && pid != self && program_of(name, program) && !same(program, own);
    }
  }
  call(__NR_close, directory, 0, 0, 0, 0);
  return found;
}

static int flush(void) {
  long root = call(__NR_openat, AT_FDCWD, (long)"/", O_DIRECTORY, 0, 0);
  if (root < 0 || call(__NR_syncfs, root, 0, 0, 0, 0) != 0) return 4;
  call(__NR_sync, 0, 0, 0, 0, 0);
  return 0;
}

/* Whether some process is still there after two seconds. */
static int end_others(void) {
  char program[PROGRAM_SIZE];
  int left = 1;
  for (int attempt = 0; attempt < 400 && left; attempt++) {
    call(__NR_kill, -1, SIGKILL, 0, 0, 0);
    left = others_alive(program, "");
    if (left) pause_ms(5);
  }
  return left;
}

/* In the step's output: what runs on when its command has ended, besides our own programs. */
static void tell_left_running(void) {
  char own[PROGRAM_SIZE], program[PROGRAM_SIZE];
  if (!program_of("self", own) || !others_alive(program, own)) return;
  /* It may be about to end. */
  pause_ms(20);
  if (!others_alive(program, own)) return;
  say("lightbox: ended ");
  say(program);
  say(", which the step left running\n");
}

/*
 * The root disk's filesystem has no path in the guest: the overlay hides it. The agent, process 1, keeps a
 * directory of it open, and /proc gives access to that.
 */
static int freeze(unsigned long request) {
  char buffer[4096], path[300];
  long statfs_buffer[32];
  long directory = call(__NR_openat, AT_FDCWD, (long)"/proc/1/fd", O_DIRECTORY, 0, 0);
  int code = 5;
  if (directory < 0) return code;
  for (;;) {
    long size = call(__NR_getdents64, directory, (long)buffer, sizeof buffer, 0, 0);
    if (size <= 0) break;
    for (long at = 0; at < size && code; at += *(unsigned short *)(buffer + at + 16)) {
      const char *name = buffer + at + 19;
      if (*name < '0' || *name > '9') continue;
      append(append(path, "/proc/1/fd/"), name);
      long fd = call(__NR_openat, AT_FDCWD, (long)path, O_DIRECTORY, 0, 0);
      if (fd < 0) continue;
      if (call(__NR_fstatfs, fd, (long)statfs_buffer, 0, 0, 0) == 0 && statfs_buffer[0] == EXT4_MAGIC &&
          call(__NR_ioctl, fd, (long)request, 0, 0, 0) == 0)
        code = 0;
      call(__NR_close, fd, 0, 0, 0, 0);
    }
  }
  call(__NR_close, directory, 0, 0, 0, 0);
  return code;
}

static int quiesce(void) {
  int left = end_others();
  int flushed = flush();
  return flushed ? flushed : left ? 3 : 0;
}

static void bring_loopback_up(void) {
  struct { char name[16]; short flags; char rest[22]; } request;
  memset(&request, 0, sizeof request);
  append(request.name, "lo");
  request.flags = IFF_UP;
  long fd = call(__NR_socket, 2, 2, 0, 0, 0);
  if (fd < 0) return;
  call(__NR_ioctl, fd, SIOCSIFFLAGS, (long)&request, 0, 0);
  call(__NR_close, fd, 0, 0, 0, 0);
}

#include "step-mounts.c"
#include "tree-stream.c"
#include "agent-socket.c"

static int fail(const char *what, const char *subject, long error, int code) {
  say("lightbox: ");
  say(what);
  say(subject);
  say(error == -ENOENT || error == -ENOTDIR ? ": not found\n" : error == -EACCES ? ": permission denied\n" : error == -8 ? ": not an executable format\n" : error == -7 ? ": argument list too long\n" : ": failed\n");
  return code;
}

/* Replaces this process; returns the last error. */
static long execute(char **argv, char **environment) {
  const char *search = "";
  char path[4200];
  long error = -ENOENT;
  for (const char *c = argv[0]; *c; c++)
    if (*c == '/') return call(__NR_execve, (long)argv[0], (long)argv, (long)environment, 0, 0);
  for (char **entry = environment; *entry; entry++)
    if ((*entry)[0] == 'P' && (*entry)[1] == 'A' && (*entry)[2] == 'T' && (*entry)[3] == 'H' && (*entry)[4] == '=') search = *entry + 5;
  while (*search) {
    char *end = path;
    while (*search && *search != ':' && end - path < 4000) *end++ = *search++;
    if (*search == ':') search++;
    if (end == path) *end++ = '.';
    *end++ = '/';
    if (length(argv[0]) > 180) return -ENOENT;
    append(end, argv[0]);
    long result = call(__NR_execve, (long)path, (long)argv, (long)environment, 0, 0);
    if (result != -ENOENT && result != -ENOTDIR) error = result;
    if (result != -ENOENT && result != -ENOTDIR && result != -EACCES) return result;
  }
  return error;
}

static int become(const char *uid, const char *gid, const char *groups) {
  unsigned int list[1024];
  long count = 0;
  while (*groups && *groups != '-' && count < 1024) {
    list[count++] = (unsigned int)number(groups);
    while (*groups && *groups != ',') groups++;
    if (*groups == ',') groups++;
  }
  if (call(__NR_setgroups, count, (long)list, 0, 0, 0) != 0) return 1;
  if (call(__NR_setgid, number(gid), 0, 0, 0, 0) != 0) return 1;
  return call(__NR_setuid, number(uid), 0, 0, 0, 0) != 0;
}

static void ignore_signals(void) {
  long action[4] = {1 /* SIG_IGN */, 0, 0, 0};
  for (int signal = 1; signal < 32; signal++)
    if (signal != SIGKILL && signal != SIGSTOP && signal != SIGCHLD)
      call(__NR_rt_sigaction, signal, (long)action, 0, 8, 0);
}

/* Moves the values of LIGHTBOX_ENV_<n> to the front of the list and ends it there. */
static char **own_environment(char **environment) {
  const char *prefix = "LIGHTBOX_ENV_";
  long count = 0;
  for (char **entry = environment; *entry; entry++) {
    char *text = *entry;
    const char *expected = prefix;
    while (*expected && *text == *expected) text++, expected++;
    if (*expected) continue;
    while (*text && *text != '=') text++;
    if (*text) environment[count++] = text + 1;
  }
  environment[count] = 0;
  return environment;
}

static int in_child(char **argv, char **command, char **environment) {
  if (become(argv[3], argv[4], argv[5])) return fail("cannot become user ", argv[3], 0, 125);
  long entered = call(__NR_chdir, (long)argv[6], 0, 0, 0, 0);
  if (entered != 0) return fail("", argv[6], entered, 126);
  long error = execute(command, environment);
  return fail("", command[0], error, error == -ENOENT || error == -ENOTDIR ? 127 : 126);
}

/* The other end of the pipe closes when the program starts; before that it carries why it does not. */
static int detach(char **argv, char **environment) {
  char **command = argv + 3;
  int ends[2];
  long output = call(__NR_openat, AT_FDCWD, (long)argv[2], O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666, 0);
  if (output < 0) return fail("cannot write to ", argv[2], output, 125);
  long input = call(__NR_openat, AT_FDCWD, (long)"/dev/null", O_CLOEXEC, 0, 0);
  if (input < 0 || call(__NR_pipe2, (long)ends, O_CLOEXEC, 0, 0, 0) != 0) return fail("cannot detach ", command[0], 0, 125);
  long child = call(__NR_clone, SIGCHLD, 0, 0, 0, 0);
  if (child < 0) return fail("cannot start a process", "", 0, 125);
  if (child == 0) {
    call(__NR_setsid, 0, 0, 0, 0, 0);
    call(__NR_dup3, input, 0, 0, 0, 0);
    call(__NR_dup3, output, 1, 0, 0, 0);
    call(__NR_dup3, output, 2, 0, 0, 0);
    long refused = execute(command, environment);
    call(__NR_write, ends[1], (long)&refused, sizeof refused, 0, 0);
    call(__NR_exit_group, 1, 0, 0, 0, 0);
  }
  call(__NR_close, ends[1], 0, 0, 0, 0);
  long error = 0;
  long got;
  do got = call(__NR_read, ends[0], (long)&error, sizeof error, 0, 0);
  while (got == -EINTR);
  return got == sizeof error ? fail("", command[0], error, error == -ENOENT || error == -ENOTDIR ? 127 : 126) : 0;
}

/* A mount namespace, when there is something to mount, that nothing leaks out of. */
static int set_up(char **argv, long mounts) {
  int is_offline = same(argv[2], "none");
  long namespaces = (is_offline ? CLONE_NEWNET : 0) | (is_offline || mounts > 0 ? CLONE_NEWNS : 0);
  if (namespaces == 0) return 0;
  if (call(__NR_unshare, namespaces, 0, 0, 0, 0) != 0) return fail("namespace", "", 0, 125);
  call(__NR_mount, 0, (long)"/", 0, MS_REC | MS_PRIVATE, 0);
  if (is_offline) {
    bring_loopback_up();
    /* Or /sys/class/net would go on showing the devices outside. */
    call(__NR_mount, (long)"sysfs", (long)"/sys", (long)"sysfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, 0);
  }
  for (long at = 0; at < mounts; at++) {
    char **words = argv + 8 + 4 * at;
    long result = mount_one(words);
    if (result < 0) return fail("cannot mount at ", words[2], result, 125);
  }
  if (mounts > 0) make_path(argv[6], 1, 1);
  return 0;
}

static int run(int argc, char **argv, char **environment) {
  if (argc < 9) return 125;
  long mounts = number(argv[7]);
  if (mounts > 250 || argc < 9 + 4 * mounts) return 125;
  int code = set_up(argv, mounts);
  if (code != 0) {
    undo_mounts();
    return code;
  }
  long child = call(__NR_clone, SIGCHLD, 0, 0, 0, 0);
  if (child < 0) return fail("cannot start a process", "", 0, 125);
  if (child == 0) call(__NR_exit_group, in_child(argv, argv + 8 + 4 * mounts, own_environment(environment)), 0, 0, 0, 0);
  ignore_signals();
  int status = 0;
  for (;;) {
    long ended = call(__NR_wait4, child, (long)&status, 0, 0, 0);
    if (ended == child) break;
    if (ended < 0 && ended != -EINTR) return 125;
  }
  /* Others may hold the output open, which would never end then. */
  if (same(argv[1], "step")) {
    tell_left_running();
    end_others();
  }
  undo_mounts();
  int signal = status & 127;
  return signal ? 128 + signal : (status >> 8) & 255;
}

__attribute__((used)) static void start(long *stack) {
  int argc = (int)stack[0];
  char **argv = (char **)(stack + 1);
  int code = 125;
  if (argc > 1 && same(argv[1], "settle")) code = settle();
  else if (argc > 1 && same(argv[1], "flush")) code = flush();
  else if (argc > 1 && same(argv[1], "freeze")) code = freeze(FIFREEZE);
  else if (argc > 1 && same(argv[1], "thaw")) code = freeze(FITHAW);
  else if (argc > 1 && same(argv[1], "quiesce")) code = quiesce();
  else if (argc > 2 && same(argv[1], "pack")) code = pack(argv[2]);
  else if (argc > 2 && same(argv[1], "unpack")) code = unpack(argv[2]);
  else if (argc > 2 && same(argv[1], "list")) code = list(argv[2], argv + 3);
  else if (argc > 2 && same(argv[1], "read")) code = read_files(argv[2]);
  else if (argc > 3 && same(argv[1], "detach")) code = detach(argv, argv + argc + 1);
  else if (argc > 5 && same(argv[1], "carry")) code = carry(argv);
  else if (argc > 1 && (same(argv[1], "run") || same(argv[1], "step"))) code = run(argc, argv, argv + argc + 1);
  call(__NR_exit_group, code, 0, 0, 0, 0);
}
