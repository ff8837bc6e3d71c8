/*
 * Mounts of one step, in a mount namespace of its own: none of them is seen outside, and mount points that had to be
 * made are removed again. Included by guest-helper.c.
 *
 * A mount is four words, KIND SOURCE TARGET OPTIONS:
 *   bind-ro, bind-rw   the directory or file SOURCE at TARGET
 *   tmpfs              an empty one in memory, with OPTIONS
 *   cover              nothing is to be seen of TARGET from here on
 */
#define MS_RDONLY 1
#define MS_REMOUNT 32
#define MS_BIND 4096

enum undo_kind { UNMOUNT, REMOVE_DIRECTORY, REMOVE_FILE };
static struct { enum undo_kind kind; const char *path; } undo[1024];
static long undo_count;
static char undo_text[256 * 1024];
static unsigned long undo_text_length;

/* Remembers what to take back; false: there is no room for more. */
static int remember(enum undo_kind kind, const char *path, unsigned long size) {
  if (undo_count >= 1024 || undo_text_length + size + 1 > sizeof undo_text) return 0;
  char *copy = undo_text + undo_text_length;
  for (unsigned long i = 0; i < size; i++) copy[i] = path[i];
  copy[size] = 0;
  undo_text_length += size + 1;
  undo[undo_count].kind = kind;
  undo[undo_count].path = copy;
  undo_count++;
  return 1;
}

static void undo_mounts(void) {
  while (undo_count > 0) {
    undo_count--;
    const char *path = undo[undo_count].path;
    if (undo[undo_count].kind == UNMOUNT) call(__NR_umount2, (long)path, MNT_DETACH, 0, 0, 0);
    else call(__NR_unlinkat, AT_FDCWD, (long)path, undo[undo_count].kind == REMOVE_DIRECTORY ? AT_REMOVEDIR : 0, 0, 0);
  }
}

/* Makes what is missing of a path, the last part as a directory or an empty file; with `kept` for good. */
static long make_path(const char *path, int last_is_directory, int kept) {
  char part[4200];
  unsigned long size = length(path);
  if (size >= sizeof part) return -ENAMETOOLONG;
  for (unsigned long end = 1; end <= size; end++) {
    if (path[end] != '/' && path[end] != 0) continue;
    for (unsigned long i = 0; i < end; i++) part[i] = path[i];
    part[end] = 0;
    int is_file = end == size && !last_is_directory;
    if (call(__NR_faccessat, AT_FDCWD, (long)part, 0, 0, 0) == 0) continue;
    long result = is_file ? call(__NR_openat, AT_FDCWD, (long)part, O_WRONLY | O_CREAT | O_EXCL, 0644, 0)
                          : call(__NR_mkdirat, AT_FDCWD, (long)part, 0755, 0, 0);
    if (result < 0) return result;
    if (is_file) call(__NR_close, result, 0, 0, 0, 0);
    if (!kept && !remember(is_file ? REMOVE_FILE : REMOVE_DIRECTORY, part, end)) return -ENAMETOOLONG;
  }
  return 0;
}

static long mount_one(char **words) {
  const char *kind = words[0], *source = words[1], *target = words[2], *options = words[3];
  long result;
  if (same(kind, "cover")) {
    if (call(__NR_faccessat, AT_FDCWD, (long)target, 0, 0, 0) != 0) return 0;
    result = call(__NR_mount, (long)"tmpfs", (long)target, (long)"tmpfs", MS_RDONLY, (long)"mode=0700,size=4k");
    return result < 0 ? result : remember(UNMOUNT, target, length(target)) ? 0 : -ENAMETOOLONG;
  }
  int is_bind = !same(kind, "tmpfs");
  int is_directory = 1;
  if (is_bind) {
    long found = call(__NR_openat, AT_FDCWD, (long)source, O_DIRECTORY, 0, 0);
    is_directory = found >= 0;
    if (is_directory) call(__NR_close, found, 0, 0, 0, 0);
  }
  result = make_path(target, is_directory, 0);
  if (result < 0) return result;
  result = is_bind ? call(__NR_mount, (long)source, (long)target, 0, MS_BIND, 0)
                   : call(__NR_mount, (long)"tmpfs", (long)target, (long)"tmpfs", MS_NOSUID | MS_NODEV, (long)options);
  if (result < 0) return result;
  if (!remember(UNMOUNT, target, length(target))) return -ENAMETOOLONG;
  if (!same(kind, "bind-ro")) return 0;
  return call(__NR_mount, 0, (long)target, 0, MS_BIND | MS_REMOUNT | MS_RDONLY, 0);
}
