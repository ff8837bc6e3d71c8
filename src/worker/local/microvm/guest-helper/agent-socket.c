/*
 * A unix socket in the guest whose connections are carried over standard input and output, to an agent that the guest
 * cannot reach. Included by guest-helper.c; ../../agents/agent-frames.ts has the same frames.
 *
 * A frame is a header of 8 bytes, little-endian, then its payload of at most 16 KiB:
 *    0  u32  connection, numbered from 1
 *    4  u16  length of the payload
 *    6  u8   kind
 *    7  u8   unused
 * A side may send as many bytes of data on a connection as the window holds, and more when it gets credit for them.
 */
#define EAGAIN 11
#define AF_UNIX 1
#define SOCK_STREAM 1
#define SOCK_NONBLOCK 04000
#define SOCK_CLOEXEC 02000000
#define SHUT_WR 1
#define SIGPIPE 13
#define POLLIN 1
#define POLLOUT 4
#define POLLERR 8
#define POLLHUP 16

#define AGENT_CONNECTIONS 32
/* How many more may wait for one of them to end. */
#define AGENT_BACKLOG 128
#define AGENT_WINDOW (64 * 1024)
#define AGENT_PIECE (16 * 1024)
/* A sender may overdraw by the rest of one piece. */
#define AGENT_RING (AGENT_WINDOW + AGENT_PIECE)

enum agent_kind { AGENT_LISTENING = 1, AGENT_OPEN, AGENT_DATA, AGENT_END, AGENT_CLOSE, AGENT_CREDIT };

struct agent_connection {
  int is_open;
  /* The other side has said all; so have we; it closed the connection, and only what it sent is still to be written. */
  int got_end, sent_end, is_closing;
  int fd;
  unsigned int id;
  /* What may be sent to the other side. */
  long credit;
  /* What came from it and is not written yet, and what was written without having been told. */
  unsigned long start, size, written;
  char ring[AGENT_RING];
};

struct pollfd { int fd; short events, revents; };

static struct agent_connection agent_connections[AGENT_CONNECTIONS];
static unsigned int agent_last_id;
static char agent_out[8 + AGENT_PIECE];
static char agent_in[8 + AGENT_PIECE];
static unsigned long agent_in_size;

/* The payload is in agent_out already. Ends the program when nobody listens any more. */
static void send_frame(unsigned int id, enum agent_kind kind, unsigned long size) {
  *(unsigned int *)agent_out = id;
  *(unsigned short *)(agent_out + 4) = (unsigned short)size;
  agent_out[6] = (char)kind;
  agent_out[7] = 0;
  if (write_all(1, agent_out, 8 + size) != 0) call(__NR_exit_group, 0, 0, 0, 0, 0);
}

static void forget(struct agent_connection *one) {
  call(__NR_close, one->fd, 0, 0, 0, 0);
  one->is_open = 0;
}

static void break_off(struct agent_connection *one) {
  if (!one->is_closing) send_frame(one->id, AGENT_CLOSE, 0);
  forget(one);
}

/* What there is to do when all that came is written. */
static void settle_connection(struct agent_connection *one) {
  if (one->size > 0) return;
  if (one->is_closing || (one->got_end && one->sent_end)) forget(one);
  else if (one->got_end) call(__NR_shutdown, one->fd, SHUT_WR, 0, 0, 0);
}

static void read_connection(struct agent_connection *one) {
  long most = one->credit < AGENT_PIECE ? one->credit : AGENT_PIECE;
  long got = call(__NR_read, one->fd, (long)(agent_out + 8), most, 0, 0);
  if (got == -EINTR || got == -EAGAIN) return;
  if (got < 0) break_off(one);
  else if (got > 0) {
    one->credit -= got;
    send_frame(one->id, AGENT_DATA, (unsigned long)got);
  } else {
    one->sent_end = 1;
    send_frame(one->id, AGENT_END, 0);
    settle_connection(one);
  }
}

static void write_connection(struct agent_connection *one) {
  unsigned long most = AGENT_RING - one->start < one->size ? AGENT_RING - one->start : one->size;
  long put = call(__NR_write, one->fd, (long)(one->ring + one->start), (long)most, 0, 0);
  if (put == -EINTR || put == -EAGAIN) return;
  if (put < 0) {
    break_off(one);
    return;
  }
  one->start = (one->start + (unsigned long)put) % AGENT_RING;
  one->size -= (unsigned long)put;
  one->written += (unsigned long)put;
  if (one->written >= AGENT_WINDOW / 2 && !one->is_closing) {
    *(unsigned int *)(agent_out + 8) = (unsigned int)one->written;
    one->written = 0;
    send_frame(one->id, AGENT_CREDIT, 4);
  }
  settle_connection(one);
}

static struct agent_connection *free_connection(void) {
  for (int i = 0; i < AGENT_CONNECTIONS; i++)
    if (!agent_connections[i].is_open) return &agent_connections[i];
  return 0;
}

static void accept_connection(long listener, struct agent_connection *one) {
  long fd = call(__NR_accept4, listener, 0, 0, SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return;
  one->is_open = 1;
  one->got_end = one->sent_end = one->is_closing = 0;
  one->fd = (int)fd;
  one->id = ++agent_last_id;
  one->credit = AGENT_WINDOW;
  one->start = one->size = one->written = 0;
  send_frame(one->id, AGENT_OPEN, 0);
}

/* False: the other side does not keep to the rules. */
static int take_frame(unsigned int id, int kind, const char *payload, unsigned long size) {
  struct agent_connection *one = 0;
  for (int i = 0; i < AGENT_CONNECTIONS; i++)
    if (agent_connections[i].is_open && agent_connections[i].id == id) one = &agent_connections[i];
  /* It was on its way when the connection was closed here. */
  if (one == 0) return 1;
  switch (kind) {
    case AGENT_DATA:
      if (one->size + size > AGENT_RING || one->got_end) return 0;
      for (unsigned long i = 0; i < size; i++) one->ring[(one->start + one->size + i) % AGENT_RING] = payload[i];
      one->size += size;
      return 1;
    case AGENT_END:
      one->got_end = 1;
      settle_connection(one);
      return 1;
    case AGENT_CLOSE:
      one->is_closing = 1;
      settle_connection(one);
      return 1;
    case AGENT_CREDIT:
      if (size != 4) return 0;
      one->credit += *(const unsigned int *)payload;
      return 1;
    default:
      return 0;
  }
}

/* False: there is nobody any more, or somebody who does not keep to the rules. */
static int take_input(void) {
  long got = call(__NR_read, 0, (long)(agent_in + agent_in_size), (long)(sizeof agent_in - agent_in_size), 0, 0);
  if (got == -EINTR) return 1;
  if (got <= 0) return 0;
  agent_in_size += (unsigned long)got;
  unsigned long at = 0;
  while (agent_in_size - at >= 8) {
    const char *frame = agent_in + at;
    unsigned long size = *(const unsigned short *)(frame + 4);
    if (size > AGENT_PIECE) return 0;
    if (agent_in_size - at < 8 + size) break;
    if (!take_frame(*(const unsigned int *)frame, frame[6], frame + 8, size)) return 0;
    at += 8 + size;
  }
  /* Forwards, byte for byte: the two may overlap. */
  memcpy(agent_in, agent_in + at, agent_in_size - at);
  agent_in_size -= at;
  return 1;
}

static long listen_at(const char *path, const char *mode, const char *uid, const char *gid) {
  struct { unsigned short family; char path[108]; } address;
  if (length(path) >= sizeof address.path) return -ENAMETOOLONG;
  memset(&address, 0, sizeof address);
  address.family = AF_UNIX;
  append(address.path, path);
  long fd = call(__NR_socket, AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, 0, 0);
  if (fd < 0) return fd;
  long result = call(__NR_bind, fd, (long)&address, sizeof address, 0, 0);
  /* Nobody can reach it yet: its folder is closed to all others, and only a mount shows it. */
  if (result == 0) result = call(__NR_fchmodat, AT_FDCWD, (long)path, number(mode), 0, 0);
  if (result == 0) result = call(__NR_fchownat, AT_FDCWD, (long)path, number(uid), number(gid), 0);
  if (result == 0) result = call(__NR_listen, fd, AGENT_BACKLOG, 0, 0, 0);
  return result == 0 ? fd : result;
}

static int fail(const char *what, const char *subject, long error, int code);

/* Until standard input ends. */
static int carry(char **argv) {
  struct pollfd wanted[2 + AGENT_CONNECTIONS];
  long ignored[4] = {1 /* SIG_IGN */, 0, 0, 0};
  call(__NR_rt_sigaction, SIGPIPE, (long)ignored, 0, 8, 0);
  long listener = listen_at(argv[2], argv[3], argv[4], argv[5]);
  if (listener < 0) return fail("cannot listen at ", argv[2], listener, 1);
  send_frame(0, AGENT_LISTENING, 0);
  for (;;) {
    struct agent_connection *unused = free_connection();
    wanted[0] = (struct pollfd){.fd = 0, .events = POLLIN};
    wanted[1] = (struct pollfd){.fd = unused ? (int)listener : -1, .events = POLLIN};
    for (int i = 0; i < AGENT_CONNECTIONS; i++) {
      struct agent_connection *one = &agent_connections[i];
      int reads = !one->sent_end && !one->is_closing && one->credit > 0;
      short events = (short)((reads ? POLLIN : 0) | (one->size > 0 ? POLLOUT : 0));
      /* One that has said all is still watched for its end. */
      wanted[2 + i] = (struct pollfd){.fd = one->is_open && (events || one->sent_end) ? one->fd : -1, .events = events};
    }
    long ready = call(__NR_ppoll, (long)wanted, 2 + AGENT_CONNECTIONS, 0, 0, 0);
    if (ready == -EINTR) continue;
    if (ready < 0) return 1;
    for (int i = 0; i < AGENT_CONNECTIONS; i++) {
      struct agent_connection *one = &agent_connections[i];
      short events = wanted[2 + i].events, found = wanted[2 + i].revents;
      if (wanted[2 + i].fd < 0 || found == 0) continue;
      if ((events & POLLIN) && (found & (POLLIN | POLLHUP | POLLERR))) read_connection(one);
      if (one->is_open && (events & POLLOUT) && (found & (POLLOUT | POLLHUP | POLLERR))) write_connection(one);
      if (one->is_open && one->sent_end && (found & (POLLHUP | POLLERR))) break_off(one);
    }
    if (wanted[1].revents && unused) accept_connection(listener, unused);
    if (wanted[0].revents && !take_input()) return 0;
  }
}
