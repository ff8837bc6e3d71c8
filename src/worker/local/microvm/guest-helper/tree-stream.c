/*
 * Directory trees as streams, so that many files cost one exchange with the guest. Included by guest-helper.c;
 * tree-stream.ts writes and reads the same.
 *
 * An entry is a header of 40 bytes, little-endian, then path, link and content:
 *    0  u8   kind: d directory, D attributes of a directory whose entries are done, f file, l symlink, h hard link,
 *            p pipe, o device or socket (in lists only); 0 ends the stream
 *    1  u8   1: a directory that is there keeps its owner and mode; 2: a link that is there is no directory
 *    2  u16  length of the path, which is relative to the tree; '' is the tree itself
 *    4  u16  length of the link: a symlink's target, or a hard link's path in the tree
 *    6  u16  permission bits
 *    8  u32  user,   12  u32  group
 *   16  u64  size of the content
 *   24  i64  seconds of the time of change, 32  u32  its nanoseconds; 0xffffffff: now
 *   36  u32  unused
 */
#define UTIME_NOW 0x3fffffff
#define KEEPS_EXISTING 1
#define NO_LINK 2
#define AT_EMPTY_PATH 0x1000
#define NO_TIME 0xffffffffu

struct entry {
  unsigned char kind, flags;
  unsigned short path_length, link_length, mode;
  unsigned int user, group;
  unsigned long long size;
  long long seconds;
  unsigned int nanoseconds, unused;
};

/* struct statx of the kernel, as far as it is used. */
struct statx {
  unsigned int mask, blksize;
  unsigned long long attributes;
  unsigned int nlink, uid, gid;
  unsigned short mode, spare;
  unsigned long long ino, size, blocks, attributes_mask;
  struct { long long seconds; unsigned int nanoseconds; int reserved; } accessed, born, changed, modified;
  unsigned long long device_itself, device;
  unsigned long long rest[18];
};

/* What is read, and what is written. */
static char stream_buffer[64 * 1024], out_buffer[64 * 1024];
static unsigned long stream_start, stream_end, out_end;
static char tree_path[8400];
static char tree_link[4200];

static int fill_stream(void) {
  long got = -EINTR;
  while (got == -EINTR) got = call(__NR_read, 0, (long)stream_buffer, sizeof stream_buffer, 0, 0);
  if (got <= 0) return 0;
  stream_start = 0;
  stream_end = (unsigned long)got;
  return 1;
}

/* Whether all of it was read. */
static int take(void *target, unsigned long size) {
  char *to = target;
  while (size > 0) {
    if (stream_start == stream_end && !fill_stream()) return 0;
    unsigned long part = stream_end - stream_start < size ? stream_end - stream_start : size;
    memcpy(to, stream_buffer + stream_start, part);
    stream_start += part;
    to += part;
    size -= part;
  }
  return 1;
}

static int write_all(long fd, const char *from, unsigned long size) {
  while (size > 0) {
    long put = call(__NR_write, fd, (long)from, (long)size, 0, 0);
    if (put == -EINTR) continue;
    if (put <= 0) return put == 0 ? -EINTR : (int)put;
    from += put;
    size -= (unsigned long)put;
  }
  return 0;
}

static int flush_stream(void) {
  int result = write_all(1, out_buffer, out_end);
  out_end = 0;
  return result;
}

static int give(const void *from, unsigned long size) {
  const char *at = from;
  while (size > 0) {
    if (out_end == sizeof out_buffer && flush_stream() != 0) return -1;
    unsigned long room = sizeof out_buffer - out_end;
    unsigned long part = room < size ? room : size;
    memcpy(out_buffer + out_end, at, part);
    out_end += part;
    at += part;
    size -= part;
  }
  return 0;
}

static void say_number(long value) {
  char text[24], *at = text + sizeof text - 1;
  *at = 0;
  do *--at = (char)('0' + value % 10), value /= 10;
  while (value > 0);
  say(at);
}

/* Says what went wrong with which path, and the kernel's number for it, by which guest-trees.ts tells it apart. */
static int tree_failed(const char *path, long error) {
  say(path);
  say(error == -ENOSPC       ? ": no space left"
      : error == -EISDIR     ? ": is a directory there"
      : error == -ENOTDIR    ? ": has to be a directory and is there as something else"
      : error == -ENOENT     ? ": not found"
      : error == -EROFS      ? ": is read-only"
      : error == -ENAMETOOLONG ? ": name too long"
                             : ": failed");
  say(" (os error ");
  say_number(-error);
  say(")\n");
  return error == -ENOSPC ? 8 : 7;
}

/* With its mode at once, set-id bits apart: most files need no further call then. */
static long open_new(const char *path, unsigned short mode) {
  return call(__NR_openat, AT_FDCWD, (long)path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode & 0777, 0);
}

static long make_entry(const struct entry *entry, const char *path, const char *target) {
  switch (entry->kind) {
    case 'd': return call(__NR_mkdirat, AT_FDCWD, (long)path, entry->mode & 0777, 0, 0);
    case 'f': return open_new(path, entry->mode);
    case 'l': return call(__NR_symlinkat, (long)tree_link, AT_FDCWD, (long)path, 0, 0);
    case 'h': return call(__NR_linkat, AT_FDCWD, (long)target, AT_FDCWD, (long)path, 0);
    case 'p': return call(__NR_mknodat, AT_FDCWD, (long)path, 0010600, 0, 0);
  }
  return -ENOENT;
}

static long make_parent(const char *path) {
  char parent[8400];
  unsigned long end = length(path);
  while (end > 0 && path[end - 1] != '/') end--;
  if (end <= 1) return 0;
  memcpy(parent, path, end - 1);
  parent[end - 1] = 0;
  return make_path(parent, 1, 1);
}

static long is_directory_there(const char *path, unsigned char flags) {
  long found = call(__NR_openat, AT_FDCWD, (long)path, O_DIRECTORY | (flags & NO_LINK ? O_NOFOLLOW : 0), 0, 0);
  if (found >= 0) call(__NR_close, found, 0, 0, 0, 0);
  return found >= 0;
}

/* The result of making it, files as open descriptors; what is in the way goes. */
static long place_entry(const struct entry *entry, const char *path, const char *target, int *was_there) {
  long made = make_entry(entry, path, target);
  *was_there = 0;
  if (made == -ENOENT && entry->kind != 'h') {
    long parent = make_parent(path);
    if (parent < 0) return parent;
    made = make_entry(entry, path, target);
  }
  if (made != -EEXIST) return made;
  if (entry->kind == 'd') {
    *was_there = 1;
    return is_directory_there(path, entry->flags) ? 0 : -ENOTDIR;
  }
  long removed = call(__NR_unlinkat, AT_FDCWD, (long)path, 0, 0, 0);
  if (removed < 0) return removed;
  return make_entry(entry, path, target);
}

static long copy_content(long fd, unsigned long long size) {
  while (size > 0) {
    if (stream_start == stream_end && !fill_stream()) return -EINTR;
    unsigned long there = stream_end - stream_start;
    unsigned long next = size < there ? (unsigned long)size : there;
    int written = write_all(fd, stream_buffer + stream_start, next);
    if (written < 0) return written;
    stream_start += next;
    size -= next;
  }
  return 0;
}

/*
 * Owner and mode of what was made, where they are not what they should be already: asking is cheaper than setting. The
 * mode comes last, because a change of owner takes the set-id bits away.
 */
static long set_owner_and_mode(const struct entry *entry, long fd, const char *path, int follows) {
  struct statx found;
  long flags = fd >= 0 ? AT_EMPTY_PATH : follows ? 0 : AT_SYMLINK_NOFOLLOW;
  long at = fd >= 0 ? fd : AT_FDCWD;
  const char *name = fd >= 0 ? "" : path;
  long seen = call(__NR_statx, at, (long)name, flags, 0x7ff, (long)&found);
  if (seen < 0) return seen;
  int is_owned = found.uid == entry->user && found.gid == entry->group;
  if (!is_owned) {
    long owned = call(__NR_fchownat, at, (long)name, entry->user, entry->group, flags);
    if (owned < 0) return owned;
  }
  if (entry->kind == 'l' || (is_owned && (found.mode & 07777) == entry->mode)) return 0;
  return fd >= 0 ? call(__NR_fchmod, fd, entry->mode, 0, 0, 0) : call(__NR_fchmodat, AT_FDCWD, (long)path, entry->mode, 0, 0);
}

/* Of an entry that is in place, a file's open descriptor beside its path. */
static long set_attributes(const struct entry *entry, long fd, const char *path) {
  long long times[4] = {0, UTIME_NOW, entry->seconds, entry->nanoseconds == NO_TIME ? UTIME_NOW : entry->nanoseconds};
  int follows = entry->kind == 'd' || entry->kind == 'D';
  if (entry->kind != 'D') {
    long result = set_owner_and_mode(entry, fd, path, follows);
    if (result < 0) return result;
  }
  if (entry->kind == 'd' || entry->nanoseconds == NO_TIME) return 0;
  if (fd >= 0) return call(__NR_utimensat, fd, 0, (long)times, 0, 0);
  return call(__NR_utimensat, AT_FDCWD, (long)path, (long)times, follows ? 0 : AT_SYMLINK_NOFOLLOW, 0);
}

static long unpack_file(const struct entry *entry, long fd, const char *path) {
  long result = copy_content(fd, entry->size);
  if (result == 0) result = set_attributes(entry, fd, path);
  call(__NR_close, fd, 0, 0, 0, 0);
  return result;
}

static long unpack_entry(const struct entry *entry, const char *path, const char *target) {
  if (entry->kind == 'D') return set_attributes(entry, -1, path);
  int was_there;
  long made = place_entry(entry, path, target, &was_there);
  if (made < 0) return made;
  if (entry->kind == 'f') return unpack_file(entry, made, path);
  if (entry->kind == 'h' || (was_there && (entry->flags & KEEPS_EXISTING))) return 0;
  return set_attributes(entry, -1, path);
}

/*
 * Writes the tree that comes as standard input into a directory ('' for the guest's root): exit 0, 6 (it ends too
 * early), 7, or 8 (no space).
 */
static int unpack(const char *root) {
  struct entry entry;
  char target[8400];
  unsigned long root_length = length(root);
  if (root_length > 4000) return 7;
  call(__NR_umask, 0, 0, 0, 0, 0);
  while (take(&entry, sizeof entry)) {
    if (entry.kind == 0) return 0;
    if (entry.path_length >= 4100 || entry.link_length >= sizeof tree_link) return tree_failed(root, -ENAMETOOLONG);
    char *end = append(tree_path, root);
    if (entry.path_length > 0) *end++ = '/';
    if (!take(end, entry.path_length) || !take(tree_link, entry.link_length)) return 6;
    end[entry.path_length] = 0;
    tree_link[entry.link_length] = 0;
    if (entry.kind == 'h') append(append(append(target, root), "/"), tree_link);
    long result = unpack_entry(&entry, tree_path, target);
    if (result == -EINTR) return 6;
    if (result < 0) return tree_failed(tree_path, result);
  }
  return 6;
}

static int give_entry(const struct entry *entry, const char *path) {
  return give(entry, sizeof *entry) != 0 || give(path, entry->path_length) != 0 ||
                 give(tree_link, entry->link_length) != 0
             ? -1
             : 0;
}

static int give_content(long fd, unsigned long long size) {
  while (size > 0) {
    if (out_end == sizeof out_buffer && flush_stream() != 0) break;
    unsigned long room = sizeof out_buffer - out_end;
    long next = size < room ? (long)size : (long)room;
    long got = call(__NR_read, fd, (long)(out_buffer + out_end), next, 0, 0);
    if (got == -EINTR) continue;
    if (got <= 0) break;
    out_end += (unsigned long)got;
    size -= (unsigned long)got;
  }
  call(__NR_close, fd, 0, 0, 0, 0);
  return size > 0 ? 6 : 0;
}

static int pack_content(const char *path, unsigned long long size) {
  long fd = call(__NR_openat, AT_FDCWD, (long)path, O_NOFOLLOW, 0, 0);
  return fd < 0 ? tree_failed(path, fd) : give_content(fd, size);
}

/* A list has no content, devices and sockets as well, and not the directories that are left out of it. */
static int is_list, left_out_count;
static struct { unsigned long long device, inode; } left_out[8];

static int is_left_out(const struct statx *found) {
  for (int at = 0; at < left_out_count; at++)
    if (left_out[at].inode == found->ino && left_out[at].device == found->device) return 1;
  return 0;
}

static int pack_path(unsigned long root_length, unsigned long path_length);

static int pack_directory(unsigned long root_length, unsigned long path_length) {
  char names[2048];
  long directory = call(__NR_openat, AT_FDCWD, (long)tree_path, O_DIRECTORY, 0, 0);
  if (directory < 0) return tree_failed(tree_path, directory);
  int code = 0;
  while (code == 0) {
    long size = call(__NR_getdents64, directory, (long)names, sizeof names, 0, 0);
    if (size <= 0) break;
    for (long at = 0; code == 0 && at < size; at += *(unsigned short *)(names + at + 16)) {
      const char *name = names + at + 19;
      if (same(name, ".") || same(name, "..")) continue;
      if (path_length + length(name) + 2 > 4100) { code = tree_failed(name, -ENAMETOOLONG); break; }
      tree_path[path_length] = '/';
      append(tree_path + path_length + 1, name);
      code = pack_path(root_length, path_length + 1 + length(name));
      tree_path[path_length] = 0;
    }
  }
  call(__NR_close, directory, 0, 0, 0, 0);
  return code;
}

static int pack_path(unsigned long root_length, unsigned long path_length) {
  struct statx found;
  struct entry entry;
  int is_root = path_length == root_length;
  /* What is to be listed may be named by a link. */
  long flags = is_list && is_root ? 0 : AT_SYMLINK_NOFOLLOW;
  long seen = call(__NR_statx, AT_FDCWD, (long)tree_path, flags, 0x7ff, (long)&found);
  if (seen < 0) return tree_failed(tree_path, seen);
  if (!is_root && is_left_out(&found)) return 0;
  int type = found.mode & 0170000;
  memset(&entry, 0, sizeof entry);
  entry.kind = type == 0040000   ? 'd'
               : type == 0100000 ? 'f'
               : type == 0120000 ? 'l'
               : type == 0010000 ? 'p'
               : is_list         ? 'o'
                                 : 0;
  if (entry.kind == 0) return 0;
  entry.mode = found.mode & 07777;
  entry.user = found.uid;
  entry.group = found.gid;
  entry.seconds = found.modified.seconds;
  entry.nanoseconds = found.modified.nanoseconds;
  unsigned long skipped = path_length > root_length ? root_length + 1 : root_length;
  entry.path_length = (unsigned short)(path_length - skipped);
  if (entry.kind == 'f') entry.size = found.size;
  if (entry.kind == 'l') {
    long size = call(__NR_readlinkat, AT_FDCWD, (long)tree_path, (long)tree_link, sizeof tree_link - 1, 0);
    if (size < 0) return tree_failed(tree_path, size);
    entry.link_length = (unsigned short)size;
  }
  if (give_entry(&entry, tree_path + skipped) != 0) return 6;
  if (entry.kind == 'f' && !is_list) return pack_content(tree_path, entry.size);
  if (entry.kind != 'd') return 0;
  int code = pack_directory(root_length, path_length);
  if (code != 0 || is_list) return code;
  entry.kind = 'D';
  return give_entry(&entry, tree_path + skipped) != 0 ? 6 : 0;
}

static int give_end(void) {
  struct entry end;
  memset(&end, 0, sizeof end);
  return give(&end, sizeof end) != 0 || flush_stream() != 0 ? 6 : 0;
}

/* Writes a directory as a stream to standard output; devices and sockets are left out. */
static int pack(const char *root) {
  unsigned long root_length = length(root);
  if (root_length > 4000) return 7;
  append(tree_path, root);
  int code = pack_path(root_length, root_length);
  return code != 0 ? code : give_end();
}

/*
 * The next of the paths that come as standard input, each its length (u16) and its characters, into tree_path, below
 * root. Its whole length there, 0 after the last, or less for what is none.
 */
static long take_path(const char *root) {
  unsigned char size[2];
  if (!take(size, sizeof size)) return 0;
  unsigned long path_length = size[0] | (unsigned long)size[1] << 8;
  char *end = append(tree_path, root);
  if (path_length >= 4100 || !take(end, path_length)) return -1;
  end[path_length] = 0;
  return end + path_length - tree_path;
}

/*
 * For each path of standard input what it names and all below that, as a stream without content: '' is the path itself,
 * which may be a link. Directories that the arguments name are left out. All paths begin at root, '' for the guest's.
 */
static int list(const char *root, char **leaving_out) {
  struct statx found;
  long path_length;
  if (length(root) > 4000) return 7;
  for (is_list = 1; *leaving_out && left_out_count < 8; leaving_out++) {
    if (length(*leaving_out) > 4000) return 7;
    append(append(tree_path, root), *leaving_out);
    if (call(__NR_statx, AT_FDCWD, (long)tree_path, 0, 0x7ff, (long)&found) < 0) continue;
    left_out[left_out_count].device = found.device;
    left_out[left_out_count++].inode = found.ino;
  }
  while ((path_length = take_path(root)) > 0) {
    int code = pack_path((unsigned long)path_length, (unsigned long)path_length);
    if (code != 0) return code;
  }
  return path_length < 0 ? 6 : give_end();
}

/* The files that standard input names, as for list, in its order: of each its size and content, and '' as path. */
static int read_files(const char *root) {
  struct statx found;
  struct entry entry;
  long path_length;
  if (length(root) > 4000) return 7;
  memset(&entry, 0, sizeof entry);
  entry.kind = 'f';
  while ((path_length = take_path(root)) > 0) {
    long fd = call(__NR_openat, AT_FDCWD, (long)tree_path, 0, 0, 0);
    if (fd < 0) return tree_failed(tree_path, fd);
    long seen = call(__NR_statx, fd, (long)"", AT_EMPTY_PATH, 0x7ff, (long)&found);
    if (seen < 0) return tree_failed(tree_path, seen);
    entry.size = found.size;
    if (give(&entry, sizeof entry) != 0) return 6;
    int code = give_content(fd, entry.size);
    if (code != 0) return code;
  }
  return path_length < 0 ? 6 : give_end();
}
